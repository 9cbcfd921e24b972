/** A letter as it goes out. Everything but the addresses is plain text or markup of our own templates. */
export interface Mail {
  /** The same for each attempt: who gets a letter twice can tell by its Message-ID. */
  id: string;
  to: string;
  language: string;
  subject: string;
  text: string;
  html: string;
}

export interface Mailer {
  /**
   * Resolves once somebody else has taken the letter over.
   * @throws {Hopeless} where this letter will never go, and an Error whose message has neither address nor content
   */
  send(mail: Mail): Promise<void>;
  /** What is under way fails, so that it is tried again later. */
  close(): void;
}
