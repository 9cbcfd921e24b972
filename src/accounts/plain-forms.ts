/** What people write for letters. 1 and ! stand for two, so there are two readings. */
const LOOK_ALIKES: Record<string, string> = { 0: 'o', 3: 'e', 4: 'a', 5: 's', 7: 't', 8: 'b', '@': 'a', $: 's' };
/** More than this around a word is no decoration: sixteen random digits are a password by themselves. */
const DECORATION = 8;
const BEFORE = new RegExp(`^[^\\p{L}]{1,${DECORATION}}(?=\\p{L})`, 'u');
const AFTER = new RegExp(`(?<=\\p{L})[^\\p{L}]{1,${DECORATION}}$`, 'u');
const RUNS = [
  ...['0123456789', '1234567890', 'abcdefghijklmnopqrstuvwxyz'],
  ...['qwertyuiopasdfghjklzxcvbnm', 'qwertzuiopasdfghjklyxcvbnm', 'azertyuiopqsdfghjklmwxcvbn'],
];

/** For comparing only: neither case nor accents count. */
export function fold(text: string): string {
  const bare = text.normalize('NFKC').toLowerCase().normalize('NFD').replaceAll(/\p{M}/gu, '');
  return bare.replaceAll('ß', 'ss').normalize('NFKC');
}

/** A password folded, and what it is without its decorations: `P@ssw0rd123!` and `password-password` hold `password`. */
export function plainForms(password: string): Set<string> {
  const whole = fold(password);
  const starts = [whole, whole.replaceAll(/[\s._-]/g, '')].flatMap(andUnit);
  const cores = starts.flatMap((start) => [
    ...[start, start.replace(AFTER, ''), start.replace(BEFORE, '')],
    start.replace(BEFORE, '').replace(AFTER, ''),
  ]);
  return new Set(cores.flatMap(andUnit).flatMap((core) => [core, asLetters(core, 'i'), asLetters(core, 'l')]));
}

/** A stretch of the alphabet, of the digits or of a keyboard, forwards or backwards. */
export function isRun(text: string): boolean {
  const backwards = [...text].reverse().join('');
  return RUNS.some((row) => {
    const endless = row.repeat(Math.ceil(text.length / row.length) + 1);
    return endless.includes(text) || endless.includes(backwards);
  });
}

function asLetters(text: string, one: string): string {
  return text.replaceAll(/[0134578@$!]/g, (char) => LOOK_ALIKES[char] ?? one);
}

/** `abcabcabc` is `abc`. */
function andUnit(text: string): string[] {
  const unit = /^(.+?)\1+$/su.exec(text)?.[1];
  return unit === undefined ? [text] : [text, unit];
}
