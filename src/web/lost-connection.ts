/** The other side closed its browser, or its network went away, in the middle of an answer. */
const CODES = [
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
];

/** Whether an answer failed for a reason that nobody here could mend. */
export function isLostConnection(err: NodeJS.ErrnoException): boolean {
  return CODES.includes(err.code ?? '');
}
