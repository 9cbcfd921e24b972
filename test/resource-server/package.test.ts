import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { extract, list } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer } from './call.ts';
import { newDpopClient } from './dpop-client.ts';
import { AUDIENCE, accessToken, startIssuer } from './issuer.ts';

const PACKAGE = path.join(import.meta.dirname, '../../packages/resource-server');
const MODULES = path.join(import.meta.dirname, '../../node_modules');

let folder: string;
let archive: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gatewright-package-'));
  const copy = path.join(folder, 'copy/packages/resource-server');
  // Packing makes dist/, and other tests may read the one in place meanwhile.
  cpSync(PACKAGE, copy, { recursive: true, filter: (from) => path.basename(from) !== 'dist' });
  cpSync(path.join(PACKAGE, '../../tsconfig.json'), path.join(folder, 'copy/tsconfig.json'));
  symlinkSync(MODULES, path.join(folder, 'copy/node_modules'));
  const env = { ...process.env, PATH: `${MODULES}/.bin${path.delimiter}${process.env['PATH']}` };
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, env });
  archive = globSync(path.join(folder, '*.tgz'))[0] as string;
  const installed = path.join(folder, 'app/node_modules/gatewright-resource-server');
  mkdirSync(installed, { recursive: true });
  await extract({ file: archive, cwd: installed, strip: 1 });
  symlinkSync(path.join(MODULES, 'jose'), path.join(folder, 'app/node_modules/jose'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The Node of the system, which may be an older one, beside that of this run. */
const runtimes = [...new Set([process.execPath, ...onPath('node')])];

describe('the package', () => {
  it('contains what it needs, and nothing else', async () => {
    const entries: string[] = [];
    await list({ file: archive, onReadEntry: ({ path: name }) => void entries.push(name) });
    const sources = globSync('src/*.ts', { cwd: PACKAGE }).map((file) => path.basename(file, '.ts'));
    const made = sources.flatMap((name) => [`package/dist/${name}.d.ts`, `package/dist/${name}.js`]);
    expect(entries.sort()).toEqual(['package/README.md', 'package/package.json', ...made].sort());
  });

  it('depends on jose alone', () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies)).toEqual(['jose']);
    const sources = globSync('src/*.ts', { cwd: PACKAGE }).map((file) =>
      readFileSync(path.join(PACKAGE, file), 'utf8'),
    );
    const imported = sources.flatMap((text) => [...text.matchAll(/from '([^'.][^']*)'/g)].map(([, name = '']) => name));
    const own = ['jose', ...builtinModules.map((name) => `node:${name}`)];
    expect(imported.filter((name) => !own.includes(name))).toEqual([]);
  });

  it.each(runtimes)('verifies a token under %s', async (node) => {
    const issuer = await startIssuer();
    const client = await newDpopClient();
    const program = `
      import { createResourceServer, fetchHandler, requirePermission } from 'gatewright-resource-server';
      const [issuer, audience, ...sent] = process.argv.slice(1);
      const api = createResourceServer({ issuer, audience, dpop: true, metadata: true });
      const handle = fetchHandler(api, (_request, caller) => Response.json(requirePermission(caller, 'posts:read').sub));
      const answers = [process.versions.node];
      for (const headers of [...sent.map((each) => JSON.parse(each)), {}]) {
        const response = await handle(new Request(audience + '/posts', { headers }));
        answers.push(response.status, response.status === 200 ? await response.json() : '');
      }
      console.log(...answers);`;
    // As its own process, which does not stand in the way of the issuer in this one.
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const bound = await accessToken(issuer, { cnf: client.cnf });
    const sent = [bearer(await accessToken(issuer)), await client.headers(bound), bearer(bound)];
    const given = [issuer.issuer, AUDIENCE, ...sent.map((headers) => JSON.stringify(headers))];
    const options = { cwd: path.join(folder, 'app'), timeout: 60_000 };
    execFile(node, ['--input-type=module', '-e', program, ...given], options, (err, stdout, stderr) =>
      err ? reject(new Error(stderr, { cause: err })) : resolve(stdout),
    );
    expect(await promise).toMatch(/^\d+\.\d+\.\d+ 200 acc_1 200 acc_1 401 {2}401 \n$/);
    await issuer.close();
  });

  it('has types that strict programs can use, as its README writes them', () => {
    const app = path.join(folder, 'app');
    for (const name of ['koa', 'express', 'fastify', '@redis', '@types'])
      symlinkSync(path.join(MODULES, name), path.join(app, 'node_modules', name));
    const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
    const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program);
    expect(programs).toHaveLength(8);
    const mistaken = `
      import { createResourceServer } from 'gatewright-resource-server';
      // @ts-expect-error there is no such option
      createResourceServer({ issuer: 'https://id.example', audience: 'https://api.example', secret: 'x' });`;
    const files = [...programs, mistaken].map((program, number) => {
      writeFileSync(path.join(app, `program-${number}.mts`), program);
      return `program-${number}.mts`;
    });
    const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--module', 'nodenext'];
    const tsc = [path.join(MODULES, 'typescript/bin/tsc'), ...flags, '--target', 'es2023', '--types', 'node', ...files];
    const { stdout, status } = spawnSync(process.execPath, tsc, { cwd: app, encoding: 'utf8' });
    expect([stdout, status]).toEqual(['', 0]);
  });
});

function onPath(name: string): string[] {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((each) => !each.includes('node_modules'));
  return folders.flatMap((each) => globSync(path.join(each, name))).map((file) => realpathSync(file));
}
