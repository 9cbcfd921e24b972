// Migrates the file at the given instant and prints what was applied.
import { migrate } from '../../../src/store/sqlite/migrate.ts';

const [file = '', at = '0'] = process.argv.slice(2);
while (Date.now() < Number(at));
console.log(JSON.stringify(migrate({ file })));
