import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyringFrom, newKeyring, openKeyring } from '../../src/lib/keyring.ts';
import { runProgram } from '../store/scratch.ts';
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
    ['of another version', JSON.stringify({ ...sound, version: 2 })],
    ['without its keys', JSON.stringify({ ...sound, keys: undefined })],
    ['without its current key', JSON.stringify({ ...sound, current: 'another0' })],
    ['with a key too short', JSON.stringify({ ...sound, keys: [{ ...key, secret: 'AAAA' }] })],
    ['with a key without bytes', JSON.stringify({ ...sound, keys: [{ ...key, secret: undefined }] })],
    ['with a key id that fits no envelope', JSON.stringify({ ...sound, current: 'x', keys: [{ ...key, id: 'x' }] })],
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
  const content = newKeyring();
  const [old] = content.keys;
  const newer = { id: 'newer000', secret: Buffer.alloc(32, 7).toString('base64'), createdAt: '2026-01-01' };
  const keyring = keyringFrom({ ...content, current: newer.id, keys: [...content.keys, newer] });

  it('differ by use and by key, and are the same each time', () => {
    const made = ['a', 'b'].flatMap((label) => keyring.keyIds.map((id) => keyring.subkey(label, id).toString('hex')));
    expect(new Set(made).size).toBe(4);
    expect(keyring.subkey('a')).toEqual(keyring.subkey('a', newer.id));
    expect(keyringFrom(content).subkey('a', old?.id)).toEqual(keyring.subkey('a', old?.id));
    expect(keyring.subkey('a')).toHaveLength(32);
  });

  it('come with the current one first', () => {
    expect(keyring.currentKeyId).toBe('newer000');
    expect(keyring.keyIds).toEqual(['newer000', old?.id]);
  });

  it('are none but those of the keyring', () => {
    expect(() => keyring.subkey('a', 'unknown0')).toThrow('the keyring has no key unknown0');
  });
});
