import { expect, it } from 'vitest';
import { readManifest, writeManifest } from '../../src/store/backup/manifest.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';

const part = (name: 'state.db' | 'gatewright.db') => ({ name, size: 1, sha256: 'ab' });
const CONTENT = {
  ...{ program: '1.2.3', createdAt: '2026-11-21T12:00:00.000Z', issuer: 'https://id.example.org' },
  ...{ keyringId: 'ring', migrations: ['0001_initial'], parts: [part('state.db'), part('gatewright.db')] },
};
const { before, both, after } = movedKeyring();

it('a manifest is good with the key of its time, also after that was replaced, until it is removed', () => {
  const read = readManifest(writeManifest(CONTENT, before), 'b.tar.gz');
  read.authenticate(before);
  read.authenticate(both);
  expect(() => read.authenticate(after)).toThrow(/^b\.tar\.gz was made with key \w+, which this keyring holds no more/);
});

it.each([
  ['parts that are none', { parts: [null, part('state.db'), part('gatewright.db')] }],
  ['no list of parts', { parts: null }],
  ['no issuer', { issuer: undefined }],
  ['one database', { parts: [part('state.db')] }],
])('a manifest with %s is not complete', (_what, change) => {
  const text = JSON.stringify({ ...JSON.parse(writeManifest(CONTENT, before)), ...change });
  expect(() => readManifest(text, 'b.tar.gz')).toThrow(
    'b.tar.gz is not an intact backup (its manifest is not complete): use another one',
  );
});
