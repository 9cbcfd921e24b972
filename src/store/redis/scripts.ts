import { type CommandParser, defineScript } from '@redis/client';

/** An artifact: born (milliseconds), head (JSON), sealed. `born` is what a first write said. */
const PUT = `
redis.call('HSETNX', KEYS[1], 'born', ARGV[1])
redis.call('HSET', KEYS[1], 'head', ARGV[2], 'sealed', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`;

const PUT_ONCE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
${PUT}`;

/** Progress: version, expires (milliseconds), sealed. Compare-and-set; version 0 is none, or one that has expired. */
const ADVANCE = `
local found = redis.call('HMGET', KEYS[1], 'version', 'expires')
local version = '0'
if found[1] and tonumber(found[2]) > tonumber(ARGV[2]) then version = found[1] end
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', version + 1, 'expires', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1`;

/** Each is one atomic step, and the time to live comes with it: no crash leaves a key that never expires. */
export const SCRIPTS = { put: onKey(PUT), putOnce: onKey(PUT_ONCE), advance: onKey(ADVANCE) };

function onKey(script: string) {
  return defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: script,
    parseCommand(parser: CommandParser, key: string, ...values: (string | number | Uint8Array)[]) {
      parser.pushKey(key);
      parser.push(...values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : String(value))));
    },
    transformReply: (reply: number) => reply === 1,
  });
}
