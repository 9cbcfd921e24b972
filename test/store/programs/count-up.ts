// Adds one to an account's factorsVersion, read first and then written, as often as told.
import { openSqliteDatabase } from '../../../src/store/prisma/sqlite-database.ts';

const [file = '', id = '', times = '0'] = process.argv.slice(2);
const { prisma, close } = openSqliteDatabase({ file });
for (let i = 0; i < Number(times); i += 1) {
  await prisma.$transaction(async (tx) => {
    const { factorsVersion } = await tx.account.findUniqueOrThrow({ where: { id } });
    await tx.account.update({ where: { id }, data: { factorsVersion: factorsVersion + 1 } });
  });
}
await close();
