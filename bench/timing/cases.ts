import { newId, newSecret } from '../../src/lib/ids.ts';
import type { People } from './place.ts';

/** A kind of try: each has an address of its own, as when somebody works through a list of them. */
export interface Case {
  name: string;
  /** Where a browser finds the form. */
  start: string;
  fields(people: People, count: number): Record<string, string>;
  /** The status that answers it. */
  answer: number;
}

/** As long as the others, since the answer repeats it. */
export const anAddress = () => `${newId('acc')}@example.org`;
const aPassword = () => newSecret('gwx');

const signIn = { start: '/account', answer: 422 };
const wrong: Case = {
  ...{ ...signIn, name: 'a wrong password' },
  fields: ({ known }, count) => ({ email: known[count] as string, password: aPassword() }),
};
const unknown: Case = {
  ...{ ...signIn, name: 'an unknown address' },
  fields: () => ({ email: anAddress(), password: aPassword() }),
};
const disabled: Case = {
  ...{ ...signIn, name: 'a disabled account' },
  fields: ({ disabled: gone }, count) => ({ email: gone[count] as string, password: aPassword() }),
};
const forgot = { start: '/forgotten-password', answer: 200 };
const forgotKnown: Case = {
  ...{ ...forgot, name: 'a link for a known address' },
  fields: ({ known }, count) => ({ email: known[count] as string }),
};
const forgotUnknown: Case = {
  ...{ ...forgot, name: 'a link for an unknown one' },
  fields: () => ({ email: anAddress() }),
};
/** What the measuring itself is worth: two cases between which there is no difference. */
const control: Case = { ...unknown, name: 'an unknown address again' };

/** What must not be told apart. A form that knows of addresses belongs here. */
export const PAIRS: [Case, Case][] = [
  [unknown, wrong],
  [unknown, disabled],
  [wrong, disabled],
  [forgotUnknown, forgotKnown],
  [unknown, control],
];
