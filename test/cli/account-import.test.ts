import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { installation } from './gatewright.ts';

const DJANGO = 'pbkdf2_sha256$260000$seasalt2$UCGMhrOoaq1ghQPArIBK5RkI6IZLRxlIwHWA1dMy7y8=';
const BCRYPT = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';

function given(lines: unknown[]) {
  const place = installation();
  const file = path.join(place.root, 'people.jsonl');
  writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return { ...place, file };
}

describe.concurrent('account import', { timeout: 90_000 }, () => {
  it('creates what the lines say, once, however often it is run', async () => {
    const { file, json, run } = given([
      { email: 'ada@example.org', name: 'Ada', verified: true, passwordHash: BCRYPT, claims: { locale: 'fr-FR' } },
      '',
      { email: 'grace@example.org', passwordHash: DJANGO },
      { email: 'nobody@example.org' },
    ]);
    expect(await json(['account', 'import', file])).toEqual({ created: 3, there: 0, failed: 0, dryRun: false });
    expect(await json(['account', 'show', 'ada@example.org'])).toMatchObject({
      ...{ email: 'ada@example.org', emailVerified: true, role: 'user', hasPassword: true, hasSecondFactor: false },
      claims: { name: 'Ada', locale: 'fr-FR' },
    });
    expect(await json(['account', 'show', 'nobody@example.org'])).toMatchObject({ hasPassword: false });

    const again = await run(['account', 'import', file]);
    expect([again.status, again.stdout]).toEqual([0, '0 created, 3 there already, 0 not imported.\n']);
    expect(again.stderr).toContain('Importing: 100 %');
  });

  it('names every line that is wrong, imports the others, and says no hash', async () => {
    const { file, run, json } = given([
      { email: 'good@example.org', passwordHash: BCRYPT },
      { email: 'no address', passwordHash: BCRYPT },
      { email: 'plain@example.org', passwordHash: 'secret-in-the-clear' },
      { email: 'costly@example.org', passwordHash: BCRYPT.replace('$05$', '$31$') },
      { email: 'root@example.org', role: 'administrator' },
      { email: 'claims@example.org', claims: { birthdate: 'yesterday' } },
      `{"email": "cut@example.org", "passwordHash": "${BCRYPT}`,
      { email: 'GOOD@example.org' },
    ]);
    const { status, stdout, stderr } = await run(['account', 'import', file]);
    expect([status, stdout]).toEqual([1, '1 created, 1 there already, 6 not imported.\n']);
    for (const line of [
      ...['line 2: email must be an email address', 'line 3: passwordHash is of no form that is known'],
      ...['line 4: passwordHash costs more work', 'line 5: there is no field role', 'line 6: birthdate must be'],
      'line 7: this is no JSON object',
    ]) {
      expect(stderr).toContain(line);
    }
    expect(stderr).not.toMatch(/secret-in|CCCC/);
    expect((await json(['account', 'list'])).map(({ email }: { email: string }) => email)).toEqual([
      'good@example.org',
    ]);
  });

  it('checks a file without writing', async () => {
    const { file, run, json } = given([{ email: 'ada@example.org' }, { email: 'ADA@example.org' }, '[]']);
    const early = await run(['account', 'import', file, '--dry-run']);
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('there is no installation')]);

    await json(['key', 'list']).catch(() => json(['setup-link']));
    const { status, stdout, stderr } = await run(['account', 'import', file, '--dry-run']);
    expect([status, stdout]).toEqual([1, '1 would be created, 1 there already, 1 cannot be imported.\n']);
    expect(stderr).toContain('line 3: this is no JSON object');
    expect(await json(['account', 'list'])).toEqual([]);
  });

  it('says what cannot be read', async () => {
    const { run, root } = given([]);
    const { status, stderr } = await run(['account', 'import', path.join(root, 'none.jsonl')]);
    expect([status, stderr]).toEqual([1, expect.stringContaining('cannot be read (ENOENT)')]);
  });
});
