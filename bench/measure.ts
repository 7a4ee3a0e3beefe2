import { cpus, release, totalmem } from 'node:os';

/** One figure: the median of repeated runs, with how far they lay apart. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly note?: string;
}

/** What `npm run bench` runs: one file per suite. */
export interface Suite {
  readonly name: string;
  run(): Promise<readonly Measurement[]>;
}

/**
 * Runs `once` and reads the figure it returns, `runs` times after one that does not count.
 * @param once - returns the figure itself (a rate, milliseconds)
 */
export async function measure(
  name: string,
  unit: string,
  runs: number,
  once: () => Promise<number>,
  note?: string,
): Promise<Measurement> {
  await once();
  const figures: number[] = [];
  for (let run = 0; run < runs; run++) figures.push(await once());
  figures.sort((a, b) => a - b);
  const round = (value: number) => (value >= 100 ? Math.round(value) : Math.round(value * 100) / 100);
  return {
    name,
    unit,
    median: round(figures[Math.floor(figures.length / 2)] ?? 0),
    min: round(figures[0] ?? 0),
    max: round(figures.at(-1) ?? 0),
    runs,
    ...(note === undefined ? {} : { note }),
  };
}

/** Milliseconds that `act` takes. */
export async function timed(act: () => Promise<unknown> | unknown): Promise<number> {
  const start = process.hrtime.bigint();
  await act();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Milliseconds of processor time that `act` takes, over all threads of this process: what other processes do does not count. */
export async function processorTime(act: () => Promise<unknown> | unknown): Promise<number> {
  const start = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
});
