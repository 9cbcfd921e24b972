import http from 'node:http';
import process from 'node:process';
import type { Milliseconds } from '../src/lib/duration.ts';
import { createUserAgent } from '../test/support/user-agent.ts';
import { type Case, PAIRS } from './timing/cases.ts';
import { createRandom, differenceOfMedians, medianOf, shuffled } from './timing/interval.ts';
import { openPlace, type People } from './timing/place.ts';

/**
 * Whether time tells which addresses have accounts: rounds with one try of each kind, in random order, one after the
 * other over one connection, against a server in a process of its own. It passes when the 95 % interval of each
 * difference of medians lies within 1 ms. `npm run bench:timing [-- rounds seed]`
 */
const TRIES = Number(process.argv[2] ?? 2_000);
const SEED = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 32));
const WARM_UP = 50;
const ALLOWED: Milliseconds = 1;

type Send = (fields: Record<string, string>) => Promise<{ status: number; took: Milliseconds }>;

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** A browser that stands before the form. */
async function standBefore(issuer: string, { start }: Case): Promise<Send> {
  const browser = createUserAgent(issuer);
  const page = await browser.follow(start);
  const form = page.forms.find(({ action }) => !action.endsWith('/cancel'));
  if (!form) throw new Error(`there is no form at ${start} (${page.status})`);
  const cookie = [...browser.jar.values()].map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = {
    ...{ 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    ...{ origin: issuer, accept: 'text/html', cookie },
  };
  return (fields) =>
    new Promise((resolve, reject) => {
      const body = new URLSearchParams({ ...form.fields, ...fields }).toString();
      const startedAt = performance.now();
      const request = http.request(new URL(form.action, page.url), {
        ...{ method: 'POST', agent },
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      });
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, took: performance.now() - startedAt }));
      });
      request.on('error', reject);
      request.end(body);
    });
}

async function measure(issuer: string, people: People, random: () => number): Promise<Map<Case, Milliseconds[]>> {
  const cases = [...new Set(PAIRS.flat())];
  const sends = new Map<string, Send>();
  for (const each of cases) if (!sends.has(each.start)) sends.set(each.start, await standBefore(issuer, each));

  const times = new Map<Case, Milliseconds[]>(cases.map((each) => [each, []]));
  for (let count = 0; count < WARM_UP + TRIES; count += 1) {
    for (const each of shuffled(cases, random)) {
      const { status, took } = await (sends.get(each.start) as Send)(each.fields(people, count));
      if (status !== each.answer) throw new Error(`${each.name} was answered with ${status}`);
      if (count >= WARM_UP) times.get(each)?.push(took);
    }
  }
  return times;
}

const random = createRandom(SEED);
await using place = await openPlace(TRIES + WARM_UP);
const times = await measure(place.issuer, place.people, random);
agent.destroy();

const { memory, passes } = place.config.password;
const ms = (value: Milliseconds) => value.toFixed(3).padStart(8);
const lines = PAIRS.map(([one, other]) => {
  const [first = [], second = []] = [times.get(one), times.get(other)];
  const { median, low, high } = differenceOfMedians(first, second, { random });
  const passed = low >= -ALLOWED && high <= ALLOWED;
  const differs = low > ALLOWED || high < -ALLOWED;
  const verdict = passed
    ? 'passes'
    : differs
      ? 'DIFFERS'
      : 'undecided: the machine was too busy, or the rounds too few';
  const cells = [medianOf(first), medianOf(second), median, low, high].map(ms).join(' ');
  return { passed, text: `${`${one.name} / ${other.name}`.padEnd(46)} ${cells}  ${verdict}` };
});
process.stdout.write(
  [
    `${TRIES} tries each, argon2id with ${memory} KiB and ${passes} passes, seed ${SEED}; milliseconds`,
    `${''.padEnd(46)}   median   median  differ. 95 % from       to`,
    ...lines.map(({ text }) => text),
    '',
  ].join('\n'),
);
process.exitCode = lines.every(({ passed }) => passed) ? 0 : 1;
