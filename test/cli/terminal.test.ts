import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayWidth, painter, printable, table, wrap, wrapLines } from '../../src/cli/terminal/index.ts';

describe('a name that drives a terminal is shown as escapes:', () => {
  test.each([
    ['an escape sequence', '\u001b[2Jgone', '\\u001b[2Jgone'],
    ['a carriage return that overwrites the line', 'bad\rgood', 'bad\\u000dgood'],
    ['a line break that forges a line', 'a\nfine', 'a\\u000afine'],
    ['an eight-bit control sequence', '\u009b31m', '\\u009b31m'],
    ['a direction override', 'user\u202egpj', 'user\\u202egpj'],
    ['a zero-width space', 'ad\u200bmin', 'ad\\u200bmin'],
    ['a byte order mark', '\ufeffname', '\\ufeffname'],
    ['half of a surrogate pair', 'a\ud800b', 'a\\ud800b'],
    ['a tag character', 'a\u{e0041}', 'a\\u{e0041}'],
    ['ordinary text of any script', 'Zoë 東京 🙂', 'Zoë 東京 🙂'],
  ])('%s', (_name, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test('nothing that a terminal acts upon is left, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

describe('columns', () => {
  test.each([
    ['ASCII', 'abc', 3],
    ['wide characters count twice', '東京', 4],
    ['combining marks count nothing', 'e\u0301', 1],
    ['an emoji counts twice', '🙂', 2],
    ['nothing', '', 0],
  ])('%s', (_name, text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe('wrapping', () => {
  test('no line is wider than asked, and no word is lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', ':', '/', '東', 'é'), minLength: 1, maxLength: 60 })),
        fc.integer({ min: 20, max: 80 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width, '  ', '    ');
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(lines.join('').replace(/\s/g, '')).toBe(words.join(''));
        },
      ),
    );
  });

  test('a long ARN is broken after a slash', () => {
    expect(wrap('arn:aws:iam::111111111111:role/proviso/ProvisoEnable', 45)).toEqual([
      'arn:aws:iam::111111111111:role/proviso/',
      'ProvisoEnable',
    ]);
  });

  test.each(['-', 'management:'])('`%s` does not stand alone before a long word', (label) => {
    const arn = 'arn:aws:iam::111111111111:role/proviso/ProvisoEnable';
    // Where the word has room on a line of its own, and where it has none.
    for (const width of [arn.length + 4, 45]) {
      const lines = wrap(`${label} ${arn}`, width, '  ', '    ');
      expect(lines[0]).toMatch(new RegExp(`^ {2}${label} arn:aws:`));
      expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
      expect(lines.join('').replace(/\s/g, '')).toBe(`${label}${arn}`);
    }
  });

  test('empty lines of a text stay', () => {
    expect(wrapLines('a\n\nb\n', 80)).toEqual(['a', '', 'b']);
  });
});

describe('a table', () => {
  test('aligns, and cuts the last column where it is too wide', () => {
    const lines = table(
      [{ header: 'ID' }, { header: 'N', align: 'right' }, { header: 'NAME' }],
      [
        ['a', '1', 'short'],
        ['bb', '100', 'a name that is much too long'],
      ],
      24,
    );
    expect(lines).toEqual(['ID    N  NAME', 'a     1  short', 'bb  100  a name that ...']);
  });
});

test('without colour nothing is added, and with colour the words stay', () => {
  expect(painter(false)('bad', 'non-compliant')).toBe('non-compliant');
  expect(painter(true)('bad', 'non-compliant')).toBe('\u001b[31mnon-compliant\u001b[39m');
});
