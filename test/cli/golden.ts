import { expect } from 'vitest';

/** Compares with test/golden/cli/`name`; `vitest run -u` writes what the program says now, for a person to read in the diff. */
export const expectGolden = (text: string, name: string): Promise<void> =>
  expect(text).toMatchFileSnapshot(`../golden/cli/${name}`);
