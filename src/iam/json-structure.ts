import type { IamProblem } from './errors.ts';

/**
 * Finds what `JSON.parse` passes over in silence: a key that stands twice in one object, and nesting beyond `maxDepth`.
 * One pass without recursion, so a hostile document costs time in proportion to its length.
 *
 * @param text - valid JSON; `JSON.parse` has accepted it
 */
export function findStructureProblem(text: string, maxDepth: number): IamProblem | undefined {
  /** One entry per open bracket: the keys seen of an object, nothing for a list. */
  const open: (Set<string> | undefined)[] = [];
  let position = 0;
  while (position < text.length) {
    const character = text[position];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > maxDepth)
        return { code: 'too-deep', message: `nests more than ${maxDepth} levels deep` };
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, position);
      const keys = open.at(-1);
      if (keys !== undefined && isFollowedByColon(text, end)) {
        // Decoded, because `"Eff\u0065ct"` is the key `Effect` too.
        const key: unknown = JSON.parse(text.slice(position, end));
        if (typeof key === 'string' && keys.has(key))
          return { code: 'duplicate-key', message: `the key \`${key}\` stands twice in one object` };
        keys.add(String(key));
      }
      position = end;
      continue;
    }
    position++;
  }
  return undefined;
}

/** The offset after the closing quote. */
function endOfString(text: string, start: number): number {
  let position = start + 1;
  while (position < text.length && text[position] !== '"') position += text[position] === '\\' ? 2 : 1;
  return position + 1;
}

function isFollowedByColon(text: string, from: number): boolean {
  let position = from;
  while (position < text.length && ' \t\r\n'.includes(text[position] ?? '')) position++;
  return text[position] === ':';
}
