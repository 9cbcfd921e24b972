import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { prismaSealedRows } from '../../src/store/prisma/sealed-rows.ts';
import { resealContract } from './reseal.contract.ts';

resealContract('sqlite');

it('every sealed column of the models is one that is sealed anew', () => {
  const models = readFileSync('prisma/models.prisma', 'utf8').matchAll(/^model (\w+) \{(.*?)^\}/gms);
  const columns = [...models].flatMap(([, model, body = '']) =>
    [...body.matchAll(/^ {2}(sealed\w+) /gm)].map(([, column]) => `${model}.${column}`),
  );
  expect(columns.length).toBeGreaterThan(0);
  expect(Object.keys(prismaSealedRows({} as never)).sort()).toEqual(columns.sort());
});
