import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';

const FOLDER = import.meta.dirname;
const FILE = path.join(FOLDER, '../views/assets/password-strength.js');
/** What a page can carry: the server knows the others. */
const COMMON = 1_000;
const NOTE =
  '/* Written by `npm run strength-hint`. Contains @zxcvbn-ts/core and lists of @zxcvbn-ts/language-common, MIT. */\n';

/** What `views/assets/password-strength.js` holds: one script without a module, for `script-src 'self'`. */
export async function strengthHint(): Promise<string> {
  const list = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json');
  const common = (JSON.parse(readFileSync(list, 'utf8')) as string[]).slice(0, COMMON);
  const bundle = await rolldown({
    input: path.join(FOLDER, 'strength-hint.js'),
    plugins: [
      {
        name: 'common-passwords',
        resolveId: (id) => (id === 'the-most-common-passwords' ? `\0${id}` : null),
        load: (id) =>
          id === '\0the-most-common-passwords'
            ? `export default ${JSON.stringify(common.join(' '))}.split(' ');`
            : null,
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true });
  await bundle.close();
  return NOTE + output[0].code;
}

if (import.meta.main) {
  const code = await strengthHint();
  writeFileSync(FILE, code);
  process.stdout.write(`${Buffer.byteLength(code)} bytes\n`);
}
