/** Makes a JSON value unchangeable, to its depth: whoever reads it shares it with all others. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/**
 * `frozen(JSON.parse(JSON.stringify(value)))`, sharing what is the same object as at its place in `before`.
 *
 * @param before - made by `frozen` or by this function
 */
export function frozenCopy(value: unknown, before?: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  // The sum turns -0 into 0, as JSON does.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === 'object') {
    if (value === before) return value;
    const old = (before ?? {}) as Readonly<Record<string, unknown>>;
    if (Array.isArray(value))
      return Object.freeze(Array.from(value, (part, index) => frozenCopy(part, old[index]) ?? null));
    if (isPlain(value)) {
      const copy: Record<string, unknown> = {};
      for (const key of Object.keys(value)) {
        const part = frozenCopy(value[key], old[key]);
        if (part !== undefined) copy[key] = part;
      }
      return Object.freeze(copy);
    }
  }
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : frozen(JSON.parse(text));
}

// A field `__proto__` would set the prototype of a copy.
const isPlain = (value: object): value is Record<string, unknown> =>
  Object.getPrototypeOf(value) === Object.prototype &&
  !('toJSON' in value) &&
  !Object.hasOwn(value, '__proto__');
