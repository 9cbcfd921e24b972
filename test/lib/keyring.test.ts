import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyringFrom, openKeyring, UnknownKey } from '../../src/lib/keyring.ts';
import { newKey, newKeyring } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { runProgram } from '../store/scratch.ts';
import { testClock } from '../support/clock.ts';
import { racers, testFolders } from '../support/stores.ts';

describe('the keyring file', () => {
  it('is made once, for its owner only, and read from then on', () => {
    const { keys } = testFolders();
    const made = openKeyring(keys, { mayCreate: true });
    expect(readdirSync(keys)).toEqual(['keyring.json']);
    expect(statSync(path.join(keys, 'keyring.json')).mode & 0o777).toBe(0o600);
    expect(statSync(keys).mode & 0o777).toBe(0o700);

    const read = openKeyring(keys, { mayCreate: false });
    expect(read.id).toBe(made.id);
    expect(read.subkey('label')).toEqual(made.subkey('label'));
  });

  it('made by several processes at once is one for all', { timeout: 30_000 }, async () => {
    const { root, keys } = testFolders();
    const opened = await racers(4, (me) => runProgram('open-keyring.ts', root, String(me), '4'));
    expect(new Set(opened).size).toBe(1);
    expect(readdirSync(keys)).toEqual(['keyring.json']);
  });

  it('is made although a process of the same number died over it', () => {
    const { keys } = testFolders();
    mkdirSync(keys);
    writeFileSync(path.join(keys, `keyring.json.${process.pid}.new`), 'half a fi');
    expect(openKeyring(keys, { mayCreate: true }).keyIds).toHaveLength(1);
  });

  it('is not made where it ought to be there', () => {
    const { keys } = testFolders();
    expect(() => openKeyring(keys, { mayCreate: false })).toThrow(
      `the keyring ${keys}/keyring.json is missing although the database holds data sealed with it: put the file back from its backup, or set KEYS_DIR to where it is`,
    );
    expect(() => statSync(keys)).toThrow('ENOENT');
  });

  it('that cannot be read is said to be so', () => {
    const { keys } = testFolders();
    mkdirSync(path.join(keys, 'keyring.json'), { recursive: true });
    const problem = {
      name: 'OperatorProblem',
      message: expect.stringMatching(/cannot be read \(EISDIR\): make it readable/),
    };
    for (const mayCreate of [true, false]) {
      expect(() => openKeyring(keys, { mayCreate })).toThrow(expect.objectContaining(problem));
    }
  });

  it('that cannot be written is said to be so', () => {
    const { root, keys } = testFolders();
    symlinkSync(path.join(root, 'a', 'place', 'that', 'is', 'gone'), keys);
    const problem = {
      name: 'OperatorProblem',
      message: expect.stringMatching(/cannot be written \(\w+\): make its folder/),
    };
    expect(() => openKeyring(keys, { mayCreate: true })).toThrow(expect.objectContaining(problem));
  });

  const sound = newKeyring();
  const [key] = sound.keys;
  for (const [how, text] of [
    ['empty', ''],
    ['cut off', JSON.stringify(sound).slice(0, -10)],
    ['of another version', JSON.stringify({ ...sound, version: 3 })],
    ['of another version, with what version 1 had', JSON.stringify({ ...sound, version: 0, current: key?.id })],
    ['without its keys', JSON.stringify({ ...sound, keys: undefined })],
    ['without any key', JSON.stringify({ ...sound, keys: [] })],
    ['of version 1 without its current key', JSON.stringify({ ...sound, version: 1, current: 'another0' })],
    ['with one key twice', JSON.stringify({ ...sound, keys: [key, key] })],
    ['with a key that takes over never', JSON.stringify({ ...sound, keys: [{ ...key, activatesAt: undefined }] })],
    ['with a key too short', JSON.stringify({ ...sound, keys: [{ ...key, secret: 'AAAA' }] })],
    ['with a key without bytes', JSON.stringify({ ...sound, keys: [{ ...key, secret: undefined }] })],
    ['with a key id that fits no envelope', JSON.stringify({ ...sound, keys: [{ ...key, id: 'x' }] })],
    ['not an object', 'null'],
  ] as const) {
    it(`that is ${how} is damaged`, () => {
      const { keys } = testFolders();
      mkdirSync(keys);
      writeFileSync(path.join(keys, 'keyring.json'), text);
      expect(() => openKeyring(keys, { mayCreate: true })).toThrow(
        `the keyring ${keys}/keyring.json is damaged: put it back from its backup`,
      );
    });
  }
});

describe('the keys of a keyring', () => {
  const clock = testClock();
  const content = newKeyring(clock);
  const [old] = content.keys;
  const newer = { ...newKey(clock() + 30_000, clock), id: 'newer000' };
  const keyring = keyringFrom({ ...content, keys: [newer, ...content.keys] }, clock);

  it('are current from their time on, and accepted before', () => {
    expect(keyring.currentKeyId).toBe(old?.id);
    expect(keyring.keyIds).toEqual([old?.id, 'newer000']);
    clock.forward(29.999);
    expect(keyring.currentKeyId).toBe(old?.id);
    clock.forward(0.001);
    expect(keyring.currentKeyId).toBe('newer000');
    expect(keyring.keyIds).toEqual(['newer000', old?.id]);
    expect(keyring.keys.map(({ id }) => id)).toEqual(['newer000', old?.id]);
  });

  it('are the first one where the clock is behind all of them', () => {
    const early = keyringFrom({ ...content, keys: [newer, ...content.keys] }, () => 0);
    expect(early.currentKeyId).toBe(old?.id);
  });

  it('differ by use and by key, and are the same each time', () => {
    const made = ['a', 'b'].flatMap((label) => keyring.keyIds.map((id) => keyring.subkey(label, id).toString('hex')));
    expect(new Set(made).size).toBe(4);
    expect(keyring.subkey('a')).toEqual(keyring.subkey('a', newer.id));
    expect(keyringFrom(content).subkey('a', old?.id)).toEqual(keyring.subkey('a', old?.id));
    expect(keyring.subkey('a')).toHaveLength(32);
  });

  it('are none but those of the keyring', () => {
    expect(() => keyring.subkey('a', 'unknown0')).toThrow(new UnknownKey('unknown0'));
    expect(keyring.has('unknown0')).toBe(false);
  });

  it('all pass for what one of them made', () => {
    const elsewhere = keyringFrom(newKeyring()).subkey('a');
    for (const id of keyring.keyIds) {
      expect(keyring.someKey('a', (key) => key.equals(keyring.subkey('a', id)))).toBe(true);
      expect(keyring.someKey('b', (key) => key.equals(keyring.subkey('a', id)))).toBe(false);
    }
    expect(keyring.someKey('a', (key) => key.equals(elsewhere))).toBe(false);
  });
});

describe('a file of version 1', () => {
  const secret = (byte: number) => Buffer.alloc(32, byte).toString('base64');
  const keys = [
    { id: 'current0', secret: secret(1), createdAt: '2025-01-01T00:00:00.000Z' },
    { id: 'younger0', secret: secret(2), createdAt: '2025-06-01T00:00:00.000Z' },
  ];

  it('opens as it did, and becomes one of version 2 when it is changed', () => {
    const { keys: folder } = testFolders();
    mkdirSync(folder);
    const file = path.join(folder, 'keyring.json');
    writeFileSync(file, JSON.stringify({ version: 1, id: 'ring', current: 'current0', keys }));
    const before = openKeyring(folder, { mayCreate: false });
    expect(before.keyIds).toEqual(['current0', 'younger0']);

    changeKeyringFile(folder, (content) => content);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 2, id: 'ring' });
    const after = openKeyring(folder, { mayCreate: false });
    expect(after.keyIds).toEqual(['current0', 'younger0']);
    expect(after.subkey('a')).toEqual(before.subkey('a'));
  });
});
