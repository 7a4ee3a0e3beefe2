import { afterAll, it } from 'vitest';

/** Cases that an emulator cannot show, by their names. */
export interface Gap {
  readonly reason: string;
  readonly tests: readonly string[];
}

/** Names a case of a contract; the cases of a gap are skipped under its reason. A gap that names no case fails the suite. */
export function contractCases(gaps: readonly Gap[] = []): (name: string, test: () => Promise<void>) => void {
  const named = new Set<string>();
  afterAll(() => {
    const unknown = gaps.flatMap(({ tests }) => tests).filter((name) => !named.has(name));
    if (unknown.length > 0) throw new Error(`a gap names cases that do not exist: ${unknown.join('; ')}`);
  });
  return (name, test) => {
    named.add(name);
    const gap = gaps.find(({ tests }) => tests.includes(name));
    if (gap === undefined) it(name, test);
    else it.skip(`${name} (${gap.reason})`, test);
  };
}
