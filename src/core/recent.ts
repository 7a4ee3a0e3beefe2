/**
 * What was used last, by key: at least `kept` entries and at most twice as many, so that memory stays flat however many keys there are.
 * Knows nothing of what it keeps: who writes it elsewhere deletes it here.
 */
export class Recent<K, V extends NonNullable<unknown>> {
  readonly #kept: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(kept: number) {
    this.#kept = kept;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#kept) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
