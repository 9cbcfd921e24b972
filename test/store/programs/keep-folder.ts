// Makes a temporary folder with something in it, says where, and waits until it is told to end.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../../../src/store/backup/temporary-folder.ts';

const [parent = ''] = process.argv.slice(2);
const folder = temporaryFolder(parent, '.half-done-');
writeFileSync(path.join(folder.path, 'gatewright.db'), 'everything');
console.log(folder.path);
setInterval(() => {}, 60_000);
