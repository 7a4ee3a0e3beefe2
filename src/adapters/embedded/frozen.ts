/** What was made unchangeable here, to its depth, and holds nothing but JSON: it is shared, never copied. */
const known = new WeakSet<object>();

/** Makes a JSON value unchangeable, to its depth: whoever reads it shares it with all others. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || known.has(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  known.add(Object.freeze(value));
  return value;
}

/** `frozen(JSON.parse(JSON.stringify(value)))`, where what is frozen already stays as it is. */
export function frozenCopy(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'object') {
    if (known.has(value)) return value;
    if (Array.isArray(value)) return listCopy(value);
    if (isPlain(value)) return plainCopy(value);
  }
  // The sum turns -0 into 0, as JSON does.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : frozen(JSON.parse(text));
}

// A field of this name would set the prototype of a copy.
const isPlain = (value: object): value is Record<string, unknown> =>
  Object.getPrototypeOf(value) === Object.prototype &&
  !('toJSON' in value) &&
  !Object.hasOwn(value, '__proto__');

function plainCopy(value: Record<string, unknown>): object {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const part = frozenCopy(value[key]);
    if (part !== undefined) copy[key] = part;
  }
  return whole(copy);
}

const listCopy = (value: readonly unknown[]): object =>
  whole(Array.from(value, (part) => frozenCopy(part) ?? null));

function whole(copy: object): object {
  known.add(Object.freeze(copy));
  return copy;
}
