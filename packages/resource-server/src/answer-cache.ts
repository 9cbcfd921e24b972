const MOST_ANSWERS = 1_000;
/** Questions under way: beyond that the issuer is not keeping up, and waiting requests would only pile up. */
const MOST_QUESTIONS = 200;

/** Answers that are used for a while, and questions that several ask at once. @param cacheFor seconds */
export function createAnswerCache<T>(cacheFor: number) {
  const answers = new Map<string, { answer: T; until: number }>();
  const questions = new Map<string, Promise<T>>();

  function keep(id: string, answer: T): void {
    answers.delete(id);
    const [oldest] = answers.keys();
    if (oldest !== undefined && answers.size >= MOST_ANSWERS) answers.delete(oldest);
    answers.set(id, { answer, until: Date.now() + cacheFor * 1000 });
  }

  async function askNow(id: string, ask: () => Promise<T>): Promise<T> {
    if (questions.size >= MOST_QUESTIONS) throw new Error(`${MOST_QUESTIONS} questions wait for an answer already`);
    const question = ask();
    questions.set(id, question);
    try {
      const answer = await question;
      keep(id, answer);
      return answer;
    } finally {
      questions.delete(id);
    }
  }

  /** A question that fails is kept for nobody but those who wait for it. */
  return async function get(id: string, ask: () => Promise<T>): Promise<T> {
    const kept = answers.get(id);
    if (kept && kept.until > Date.now()) return kept.answer;
    return questions.get(id) ?? askNow(id, ask);
  };
}
