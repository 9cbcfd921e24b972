import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteDatabase, type SqliteDatabase } from '../../src/store/prisma/sqlite-database.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { runProgram, type Scratch, scratch } from './scratch.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');

interface OpenScratch extends AsyncDisposable {
  place: Scratch;
  db: SqliteDatabase;
}

function openScratch(): OpenScratch {
  const place = scratch();
  migrate(place);
  const db = openSqliteDatabase(place);
  return {
    place,
    db,
    async [Symbol.asyncDispose]() {
      await db.close();
      place[Symbol.dispose]();
    },
  };
}

function account(id: string) {
  const email = `${id}@example.com`;
  const times = { notBefore: NOW, createdAt: NOW, updatedAt: NOW };
  const rest = { emailVerified: true, role: 'user', status: 'active', claims: '{}', factorsVersion: 0 };
  return { id, email, emailNormalized: email, ...times, ...rest };
}

function openDescriptors(folder: string): number {
  const names = readdirSync('/proc/self/fd');
  return names.filter((name) => {
    try {
      return readlinkSync(join('/proc/self/fd', name)).startsWith(folder);
    } catch {
      return false; // the descriptor that read the folder
    }
  }).length;
}

const version = (db: SqliteDatabase, id: string) =>
  db.prisma.account.findUniqueOrThrow({ where: { id } }).then(({ factorsVersion }) => factorsVersion);

describe('transactions', () => {
  it.runIf(process.platform === 'linux')('open no further file', async () => {
    await using open = openScratch();
    const { db, place } = open;
    await db.prisma.account.create({ data: account('a') });
    const increment = { where: { id: 'a' }, data: { factorsVersion: { increment: 1 } } };
    await db.prisma.$transaction((tx) => tx.account.update(increment));
    const before = openDescriptors(place.root);
    for (let i = 0; i < 200; i += 1) await db.prisma.$transaction((tx) => tx.account.update(increment));
    // Fewer is possible: the connection that migrated goes when it is collected.
    expect(openDescriptors(place.root)).toBeLessThanOrEqual(before);
    expect(await version(db, 'a')).toBe(201);
  });

  it('that read and then write, in two processes, lose nothing and never meet a busy file', async () => {
    await using open = openScratch();
    const { db, place } = open;
    await db.prisma.account.create({ data: account('a') });
    await Promise.all([1, 2].map(() => runProgram('count-up.ts', place.file, 'a', '150')));
    expect(await version(db, 'a')).toBe(300);
  });

  it('that throw leave nothing, and the next one works', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    const failing = prisma.$transaction(async (tx) => {
      await tx.account.create({ data: account('a') });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await prisma.$transaction([prisma.account.create({ data: account('b') }), prisma.account.count()]);
    expect(await prisma.account.findMany({ select: { id: true } })).toEqual([{ id: 'b' }]);
  });

  it('wait for one another within the process', async () => {
    await using open = openScratch();
    const { db } = open;
    await db.prisma.account.create({ data: account('a') });
    const add = () =>
      db.prisma.$transaction(async (tx) => {
        const { factorsVersion } = await tx.account.findUniqueOrThrow({ where: { id: 'a' } });
        await tx.account.update({ where: { id: 'a' }, data: { factorsVersion: factorsVersion + 1 } });
      });
    await Promise.all(Array.from({ length: 50 }, add));
    expect(await version(db, 'a')).toBe(50);
  });
});

describe('constraints', () => {
  it('refuse a reference to nothing, also inside a transaction', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    const data = { id: 'r', accountId: 'nobody', codeHash: 'h', createdAt: NOW };
    await expect(prisma.recoveryCode.create({ data })).rejects.toMatchObject({ code: 'P2003' });
    await expect(prisma.$transaction((tx) => tx.recoveryCode.create({ data }))).rejects.toMatchObject({
      code: 'P2003',
    });
  });

  it('delete what belongs to an account with it', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    const code = { id: 'r', codeHash: 'h', createdAt: NOW };
    await prisma.account.create({ data: { ...account('a'), recoveryCodes: { create: code } } });
    await prisma.account.delete({ where: { id: 'a' } });
    expect(await prisma.recoveryCode.count()).toBe(0);
  });

  it('name the fields of a duplicate, and the kept statement can be used again', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    await prisma.account.create({ data: account('a') });
    const duplicate = { ...account('b'), emailNormalized: 'a@example.com' };
    await expect(prisma.account.create({ data: duplicate })).rejects.toMatchObject({
      code: 'P2002',
      meta: { driverAdapterError: { cause: { constraint: { fields: ['emailNormalized'] } } } },
    });
    expect(await prisma.account.create({ data: account('b') })).toMatchObject({ id: 'b' });
  });

  it('let one of two spend a code', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    const code = { id: 'r', codeHash: 'h', createdAt: NOW };
    await prisma.account.create({ data: { ...account('a'), recoveryCodes: { create: code } } });
    const spend = () => prisma.recoveryCode.updateMany({ where: { id: 'r', usedAt: null }, data: { usedAt: NOW } });
    const counts = await Promise.all([spend(), spend(), spend()]);
    expect(counts.map(({ count }) => count).sort()).toEqual([0, 0, 1]);
  });
});

describe('values', () => {
  it('dates are kept to the millisecond, as whole numbers', async () => {
    await using open = openScratch();
    const { prisma, raw } = open.db;
    await prisma.account.create({ data: account('a') });
    expect((await prisma.account.findFirstOrThrow({ where: { createdAt: NOW } })).createdAt).toEqual(NOW);
    const stored = raw.prepare('SELECT typeof(createdAt) AS type, createdAt AS value FROM "Account"').all();
    expect(stored).toMatchObject([{ type: 'integer', value: NOW.getTime() }]);
  });

  it('integers above 2^53 come back exact, flags as booleans, bytes as bytes', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    const big = 2n ** 53n + 1n;
    expect(await prisma.$queryRaw`SELECT ${big} AS big`).toEqual([{ big }]);
    await prisma.account.create({ data: account('a') });
    expect(await prisma.account.findFirstOrThrow()).toMatchObject({ emailVerified: true, passwordHash: null });
    const [row] = await prisma.$queryRaw<{ bytes: Uint8Array }[]>`SELECT x'00ff10' AS bytes`;
    expect([...(row?.bytes ?? [])]).toEqual([0, 255, 16]);
  });

  it('more distinct statements than are kept all work', async () => {
    await using open = openScratch();
    const { prisma } = open.db;
    await prisma.account.create({ data: account('a') });
    for (let length = 1; length <= 600; length += 1) {
      const id = { in: ['a', ...Array.from({ length }, (_, i) => `x${i}`)] };
      expect(await prisma.account.count({ where: { id } })).toBe(1);
    }
  });
});

describe('the connection', () => {
  it('is durable and checks references', async () => {
    await using open = openScratch();
    const setting = (name: string) => Object.values(open.db.raw.prepare(`PRAGMA ${name}`).all()[0] ?? {})[0];
    expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(setting)).toEqual(['wal', 2, 1, 5000]);
  });

  it('can be closed twice, and is then refused', async () => {
    await using open = openScratch();
    const { db } = open;
    await db.prisma.account.count();
    await db.close();
    await db.close();
    await expect(db.prisma.account.count()).rejects.toThrow();
  });
});
