import { type Keyring, keyringFrom } from '../../src/lib/keyring.ts';
import { newKey, newKeyring } from '../../src/lib/keyring-file.ts';

/** One keyring at three times: with its first key, with a second one that is current, and with that alone. */
export function movedKeyring(): { before: Keyring; both: Keyring; after: Keyring } {
  const content = newKeyring(() => 1_000);
  const second = newKey(2_000, () => 1_500);
  return {
    before: keyringFrom(content),
    both: keyringFrom({ ...content, keys: [...content.keys, second] }),
    after: keyringFrom({ ...content, keys: [second] }),
  };
}
