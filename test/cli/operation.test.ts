import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { CLI, installation, NODE } from './gatewright.ts';

describe.concurrent('migrate', { timeout: 90_000 }, () => {
  it('lists what would be done, does it, and finds nothing more to do', async () => {
    const place = installation();
    const { pending } = await place.json(['migrate', '--check']);
    expect(pending).toContain('0001_initial');
    expect(await place.json(['migrate', '--check'])).toEqual({ pending });
    expect(await place.json(['migrate'])).toEqual({ applied: pending });
    expect(await place.json(['migrate'])).toEqual({ applied: [] });
    expect((await place.run(['migrate', '--check'])).stdout).toBe('The database is up to date.\n');
    // The keyring came first: the database is usable.
    expect(await place.json(['client', 'list'])).toEqual([]);
  });
});

describe.concurrent('serve', { timeout: 90_000 }, () => {
  it('runs the server, which other commands do not disturb, until it is told to stop', async () => {
    const place = installation();
    const env = { ...place.env, PORT: '0' };
    const child = spawn(NODE, [CLI, 'serve'], { cwd: place.root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', (status, signal) => resolve([status, signal])));
    try {
      for await (const line of createInterface(child.stdout)) if (line.includes('Gatewright is ready')) break;
      const { link } = await place.json(['setup-link']);
      expect(link).toContain('/setup/');
      expect(await place.json(['key', 'list'])).toHaveLength(1);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });
});
