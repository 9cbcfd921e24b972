import { expect, it } from 'vitest';
import { changeClaims } from '../../src/cli/claims.ts';

const REFUSED = {
  'shoe_size=44': 'there is no standard claim shoe_size',
  'address.planet=Mars': 'there is no standard claim address.planet',
  '__proto__=x': 'there is no standard claim __proto__',
  'sub=x': 'never changes',
  'email=a@example.org': 'cannot be changed here',
  'email_verified=true': 'use --verified or --unverified',
  'address=x': 'name a part of it',
  name: '--set takes a claim and a value',
  'name=': 'name must be text',
  'website=javascript:alert(1)': 'website must be a web address',
  'birthdate=2001-02-30': 'birthdate must be',
  'zoneinfo=Mars/Olympus': 'zoneinfo must be a time zone',
  'locale=en_GB': 'locale must be a language tag',
  'phone_number=12345': 'phone_number must be like',
  'phone_number_verified=yes': 'phone_number_verified must be true or false',
};

it.for(Object.entries(REFUSED))('--set %s is refused', ([set, sentence]) => {
  expect(() => changeClaims({}, [set], [])).toThrow(sentence);
});

it.for(['2001-02-28', '0000-02-29', '1815'])('%s is a date of birth', (birthdate) => {
  expect(changeClaims({}, [`birthdate=${birthdate}`], [])).toEqual({ birthdate });
});

it('a claim that is not there can be taken away, one that does not exist cannot', () => {
  expect(changeClaims({ name: 'Ada' }, [], ['nickname', 'address'])).toEqual({ name: 'Ada' });
  expect(() => changeClaims({}, [], ['shoe_size'])).toThrow('there is no standard claim shoe_size');
});

it('a number stays verified only as long as it is the same', () => {
  const before = { phone_number: '+4420794', phone_number_verified: true };
  expect(changeClaims(before, ['phone_number=+4420794'], [])).toEqual(before);
  expect(changeClaims(before, ['phone_number=+3314'], [])).toEqual({ phone_number: '+3314' });
  expect(changeClaims(before, [], ['phone_number'])).toEqual({});
  const both = ['phone_number=+3314', 'phone_number_verified=true'];
  expect(changeClaims(before, both, [])).toEqual({ phone_number: '+3314', phone_number_verified: true });
});
