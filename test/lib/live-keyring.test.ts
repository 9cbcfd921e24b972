import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openKeyring } from '../../src/lib/keyring.ts';
import { type KeyringFile, newKey, newKeyring } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { testClock } from '../support/clock.ts';
import { testFolders } from '../support/stores.ts';

/** A keyring as one process has it open, and the file as another changes it. */
function opened() {
  const clock = testClock();
  const { keys: folder } = testFolders();
  const file = path.join(folder, 'keyring.json');
  const keyring = openKeyring(folder, { mayCreate: true, clock });
  clock.forward(60);
  const told: { changed: (readonly string[])[]; failed: string[] } = { changed: [], failed: [] };
  keyring.watch({
    changed: (ids) => void told.changed.push(ids),
    failed: (problem) => void told.failed.push(problem.message),
  });
  onTestFinished(() => keyring.close());
  const first = keyring.currentKeyId;

  return {
    ...{ clock, folder, file, keyring, first, told },
    add() {
      const key = newKey(clock(), clock);
      changeKeyringFile(folder, (content) => ({ ...content, keys: [...content.keys, key] }));
      return key.id;
    },
    remove: (id: string) =>
      changeKeyringFile(folder, (content) => ({ ...content, keys: content.keys.filter((key) => key.id !== id) })),
    content: () => JSON.parse(readFileSync(file, 'utf8')) as KeyringFile,
  };
}

describe('what another process writes into the file', () => {
  it('is known at once when a key is met that is not here', () => {
    const { keyring, first, add, told, clock } = opened();
    const added = add();
    expect(keyring.currentKeyId).toBe(first);
    expect(keyring.subkey('a', added)).toHaveLength(32);
    clock.forward(1);
    expect(keyring.currentKeyId).toBe(added);
    expect(told.changed).toEqual([[added, first]]);
  });

  it('is known at once when something passes under no key that is here', () => {
    const { keyring, add, folder } = opened();
    const added = add();
    const theirs = openKeyring(folder, { mayCreate: false }).subkey('a', added);
    expect(keyring.someKey('a', (key) => key.equals(theirs))).toBe(true);
  });

  it('is looked for no more than once a second, whatever ids are made up', () => {
    const { keyring, add, clock } = opened();
    expect(keyring.has('madeup00')).toBe(false);
    const added = add();
    clock.forward(0.999);
    expect(keyring.has(added)).toBe(false);
    expect(keyring.someKey('a', () => false)).toBe(false);
    clock.forward(0.001);
    expect(keyring.has(added)).toBe(true);
  });

  it('is looked for also after the clock was set back', () => {
    const { keyring, add, clock } = opened();
    keyring.has('madeup00');
    clock.forward(-3600);
    expect(keyring.has(add())).toBe(true);
  });

  it('is known within ten seconds in any case, until it is closed', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { keyring, first, add, told, remove } = opened();
    const added = add();
    vi.advanceTimersByTime(10_000);
    expect(keyring.keyIds).toEqual([added, first]);
    remove(first);
    vi.advanceTimersByTime(10_000);
    expect(keyring.keyIds).toEqual([added]);
    expect(() => keyring.subkey('a', first)).toThrow('no key');
    keyring.close();
    add();
    vi.advanceTimersByTime(60_000);
    expect(told.changed).toHaveLength(2);
  });
});

describe('a file that cannot be used any more', () => {
  it.each([
    ['gone', (file: string) => rmSync(file), 'is missing'],
    ['damaged', (file: string) => writeFileSync(file, '{"version": 2'), 'is damaged'],
    ['of another installation', (file: string) => writeFileSync(file, JSON.stringify(newKeyring())), 'is now keyring'],
  ])('being %s, changes nothing and is told once', (_how, spoil, sentence) => {
    const { keyring, file, told, clock, first } = opened();
    const before = keyring.subkey('a');
    spoil(file);
    for (let looks = 0; looks < 3; looks += 1) {
      clock.forward(1);
      expect(keyring.has('madeup00')).toBe(false);
    }
    expect(keyring.keyIds).toEqual([first]);
    expect(keyring.subkey('a')).toEqual(before);
    expect(told.failed).toEqual([expect.stringContaining(sentence)]);
  });

  it('having another secret under a known id, changes nothing', () => {
    const { keyring, file, told, first, content } = opened();
    const before = keyring.subkey('a');
    const { keys, ...rest } = content();
    const secret = newKey(0, Date.now).secret;
    writeFileSync(file, JSON.stringify({ ...rest, keys: keys.map((key) => ({ ...key, secret })) }));
    keyring.look();
    expect(keyring.subkey('a')).toEqual(before);
    expect(told.failed).toEqual([expect.stringContaining(`has another secret for the key ${first}, which opens`)]);
  });

  it('being an earlier copy without the key in use, changes nothing', () => {
    const { keyring, file, add, told, first, clock } = opened();
    const copy = readFileSync(file, 'utf8');
    const added = add();
    keyring.look();
    writeFileSync(file, copy);
    clock.forward(1);
    keyring.look();
    expect(keyring.keyIds).toEqual([added, first]);
    expect(told.failed).toEqual([expect.stringContaining(`without the key ${added}, which is in use`)]);
  });

  it('is taken up as soon as it is mended', () => {
    const { keyring, file, add, told } = opened();
    const added = add();
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, 'nothing');
    keyring.look();
    expect(keyring.keyIds).toHaveLength(1);
    writeFileSync(file, good);
    keyring.look();
    expect(keyring.currentKeyId).toBe(added);
    expect(told.failed).toHaveLength(1);
  });

  it('is no longer taken up where one went on without us for two changes', () => {
    const { keyring, add, remove, first, clock } = opened();
    clock.forward(1);
    const added = add();
    remove(first);
    keyring.look();
    expect(keyring.keyIds).toEqual([added]);
  });
});

describe('a change of the file', () => {
  it('leaves nothing beside it, and the mode as it was, but nothing for others', () => {
    const { folder, file, add } = opened();
    add();
    expect(readdirSync(folder)).toEqual(['keyring.json']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    add();
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it('takes away what one that was killed left behind, which holds secrets', () => {
    const { folder, file, add } = opened();
    writeFileSync(`${file}.0123456789ab.new`, readFileSync(file));
    add();
    expect(readdirSync(folder)).toEqual(['keyring.json']);
  });

  it('replaces the file at once, so that nobody reads half of it', () => {
    const { file, add } = opened();
    const before = statSync(file).ino;
    add();
    expect(statSync(file).ino).not.toBe(before);
  });

  it('is refused while another is under way, and says what to do where none is', () => {
    const { folder, file, add, content } = opened();
    const before = content();
    changeKeyringFile(folder, (outer) => {
      expect(() => add()).toThrow(
        `another command is changing the keyring: try again, and if none is running, delete ${file}.lock`,
      );
      return outer;
    });
    expect(content()).toEqual(before);
    add();
    expect(content().keys).toHaveLength(2);
  });

  it('that is thought better of writes nothing', () => {
    const { folder, content } = opened();
    const before = content();
    expect(() =>
      changeKeyringFile(folder, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(content()).toEqual(before);
    expect(readdirSync(folder)).toEqual(['keyring.json']);
  });

  it('follows a link to where the file is', () => {
    const { file, folder, keyring } = opened();
    const elsewhere = `${folder}-linked`;
    mkdirSync(elsewhere);
    symlinkSync(file, path.join(elsewhere, 'keyring.json'));
    const key = newKey(0, Date.now);
    changeKeyringFile(elsewhere, (content) => ({ ...content, keys: [...content.keys, key] }));
    expect(keyring.has(key.id)).toBe(true);
  });

  it('that the file system refuses is said to be so', () => {
    const { folder, file } = opened();
    // A folder in the place of the lock.
    mkdirSync(`${file}.lock`);
    expect(() => changeKeyringFile(folder, (content) => content)).toThrow(/delete .*keyring\.json\.lock/);
    rmSync(`${file}.lock`, { recursive: true });
    rmSync(file);
    expect(() => changeKeyringFile(folder, (content) => content)).toThrow('is missing');
  });
});
