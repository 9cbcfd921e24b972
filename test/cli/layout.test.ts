import { describe, expect, it } from 'vitest';
import { details, table } from '../../src/cli/layout.ts';

const headings = ['ID', 'NAME', 'CREATED'];

describe('table', () => {
  it('aligns columns and leaves no space at the end of a line', () => {
    const rows = [
      ['a', 'Wiki', 'now'],
      ['bcd', 'B', 'then'],
    ];
    expect(table({ headings, rows, width: null })).toBe('ID   NAME  CREATED\na    Wiki  now\nbcd  B     then');
  });

  it('counts what a terminal shows, not what a string holds', () => {
    const rows = [
      ['a', '日本', 'x'],
      ['a', 'e\u0301a', 'x'],
      ['a', '👩‍👩‍👧', 'x'],
    ];
    expect(table({ headings, rows, width: null }).split('\n')).toEqual([
      'ID  NAME  CREATED',
      'a   日本  x',
      'a   e\u0301a    x',
      'a   👩‍👩‍👧    x',
    ]);
  });

  it('cuts the widest columns to the width of the terminal, but never an id', () => {
    const rows = [['cli_0123456789', 'A very long name indeed', '2026-01-01T00:00:00.000Z']];
    const [, line = ''] = table({ headings, rows, width: 50 }).split('\n');
    expect(line).toBe('cli_0123456789  A very long nam…  2026-01-01T00:0…');
    expect(table({ headings, rows, width: 10 }).split('\n')[1]).toBe('cli_0123456789  A very …  2026-01…');
  });
});

describe('details', () => {
  it('labels values, one line per item, and leaves out what is null', () => {
    const fields: Parameters<typeof details>[0] = [
      ['id', 'x'],
      ['addresses', ['a', 'b']],
      ['logo', null],
      ['APIs', []],
    ];
    expect(details(fields)).toBe('id         x\naddresses  a\n           b\nAPIs       none');
  });

  it('shows control characters instead of sending them to the terminal', () => {
    expect(details([['name', 'a\u001b[2J\u202eb\nc']])).toBe('name  a\\u001b[2J\\u202eb\\u000ac');
  });
});
