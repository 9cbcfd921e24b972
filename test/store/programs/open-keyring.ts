// Opens the keyring of a folder, or makes it, at the same time as other processes, and prints its id and a key of it.
import { join } from 'node:path';
import { openKeyring } from '../../../src/lib/keyring.ts';
import { meet } from './meet.ts';

const [root = '', me = '', count = ''] = process.argv.slice(2);
meet(root, Number(me), Number(count));
const keyring = openKeyring(join(root, 'keys'), { mayCreate: true });
console.log(`${keyring.id} ${keyring.subkey('label').toString('hex')}`);
