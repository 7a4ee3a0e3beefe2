import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface Moto {
  readonly url: string;
  stop(): Promise<void>;
}

/** Account that moto gives to credentials it has not issued itself. */
export const MOTO_ACCOUNT = '123456789012';

/** The SDK's own way to another endpoint, and credentials that are good for nothing elsewhere. */
export const motoEnvironment = (url: string): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: url,
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
});

export interface MotoOptions {
  /** Where moto's own Step Functions sends its calls of other services, Lambda above all; default: moto itself. */
  readonly innerPort?: number;
}

/**
 * Starts moto's server on a free port of this machine.
 * @returns undefined, after saying so, when `moto_server` is not installed
 * @throws Error when it is installed but does not answer within 30 s
 */
export async function startMoto(options: MotoOptions = {}): Promise<Moto | undefined> {
  const port = await freePort();
  const { innerPort } = options;
  const [command, ...before] =
    innerPort === undefined ? ['moto_server'] : ['python3', join(import.meta.dirname, 'moto-launcher.py')];
  if (innerPort !== undefined && !(await hasMoto())) return skipped();
  const child = spawn(command ?? '', [...before, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    // Its Wait states read local time.
    env: {
      ...process.env,
      TZ: 'UTC',
      ...(innerPort === undefined ? {} : { MOTO_PORT: String(innerPort) }),
    },
  });
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
  });
  if (!started) return skipped();
  const moto: Moto = { url: `http://127.0.0.1:${port}`, stop: () => stopped(child) };
  // A test run that dies must not leave a server behind.
  process.once('exit', () => child.kill());
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with exit code ${child.exitCode}`);
    const answers = await fetch(`${moto.url}/moto-api/data.json`).then(
      (response) => response.ok,
      () => false,
    );
    if (answers) return moto;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await moto.stop();
  throw new Error('moto_server did not answer within 30 s');
}

function skipped(): undefined {
  console.info('moto_server is not installed: tests against it are skipped (pip install "moto[server]")');
}

function hasMoto(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('python3', ['-c', 'import moto.server'], { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill();
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no free port')),
      );
    });
  });
}
