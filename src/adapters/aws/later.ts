/** A port whose every method answers later: one that can wait for its adapter to be loaded. */
type Asynchronous<T> = {
  // biome-ignore lint/suspicious/noExplicitAny: whatever a method takes, it is handed on
  readonly [K in keyof T]: T[K] extends (...given: any[]) => Promise<unknown> ? T[K] : never;
};

/** Does it once, at the first call; a failure is not kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/**
 * A port whose adapter is loaded and made at the first call of a method. A function uses a few services of AWS, and would otherwise read
 * the clients of all at its every cold start. Not to be spread or enumerated: it has no members until they are asked for.
 */
export function later<T extends Asynchronous<T>>(make: () => Promise<T>): T {
  const adapter = once(make);
  return new Proxy({} as T, {
    get: (_port, name) =>
      name === 'then' || typeof name === 'symbol'
        ? undefined
        : async (...given: readonly unknown[]) => {
            const made = (await adapter()) as Readonly<
              Record<string, (...all: readonly unknown[]) => Promise<unknown>>
            >;
            return made[name]?.(...given);
          },
    ownKeys: () => {
      throw new TypeError('a port that is loaded later cannot be enumerated');
    },
  });
}
