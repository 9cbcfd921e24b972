import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../src/store/backup/temporary-folder.ts';
import { scratch } from './scratch.ts';

const PROGRAM = path.join(import.meta.dirname, 'programs/keep-folder.ts');

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'a temporary folder is gone after %s, which ends the program all the same',
  async (signal) => {
    using place = scratch();
    const child = spawn(process.execPath, [PROGRAM, place.root], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [made] = await once(child.stdout, 'data');
    expect(existsSync(String(made).trim())).toBe(true);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([null, signal]);
    expect(readdirSync(place.root)).toEqual([]);
  },
);

it('a temporary folder is for its user only, and removed without a trace', () => {
  using place = scratch();
  const before = process.listenerCount('SIGINT');
  const folder = temporaryFolder(place.root, '.half-done-');
  expect(statSync(folder.path).mode & 0o777).toBe(0o700);
  folder.remove();
  expect(readdirSync(place.root)).toEqual([]);
  expect(process.listenerCount('SIGINT')).toBe(before);
});
