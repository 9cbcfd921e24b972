const LATIN = /\p{Script=Latin}/u;
/** Alphabets whose letters pass for Latin ones (Unicode TS 39 4). */
const LOOKS_LATIN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Why people must not be shown this as the name of an application; null where they may. */
export function nameProblem(name: string, siteName: string): string | null {
  if (UNSEEN.test(name)) return 'client_name must have visible characters only';
  if (LATIN.test(name) && LOOKS_LATIN.test(name)) return 'client_name mixes alphabets whose letters look alike';
  if (plain(name) === plain(siteName)) return 'client_name is the name of this server itself: choose another';
  return null;
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}
