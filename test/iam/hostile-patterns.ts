/** Patterns on which a backtracking matcher needs a number of steps that grows exponentially with `size`. */
export const HOSTILE: readonly (readonly [string, (size: number) => readonly [string, string]])[] = [
  ['a*a*a*...b against a row of a', (size) => [`${'a*'.repeat(size)}b`, 'a'.repeat(2 * size)]],
  ['*a*a*...b against a row of a', (size) => [`${'*a'.repeat(size)}*b`, 'a'.repeat(2 * size)]],
  ['*?*?*... against too short a text', (size) => [`${'*?'.repeat(size)}b`, 'a'.repeat(size)]],
  ['a star after each of two that repeat', (size) => [`${'*ab'.repeat(size)}c`, 'ab'.repeat(2 * size)]],
  ['stars alone', (size) => [`${'*'.repeat(size)}b`, 'a'.repeat(size)]],
];

/** The text as a value that counts how often a character of it was looked at. */
export function counting(text: string, counter: { steps: number }): string {
  const proxy = new Proxy(new String(text), {
    get: (of, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) counter.steps += 1;
      const value: unknown = Reflect.get(of, key, of);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
  return proxy as unknown as string;
}
