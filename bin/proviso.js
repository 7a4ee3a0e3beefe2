#!/usr/bin/env node
// Plain JavaScript, readable by any Node: it finds a Node that can run the program, then hands over.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WANTED_MAJOR = 24;
/** The first Node that runs TypeScript files without a flag. */
const OLDEST = { major: 22, minor: 18 };
/** Exit code 4 of the program: a fault, nothing was decided. */
const FAULT = 4;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isOwnGoodEnough = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
const isRestarted = process.env.PROVISO_RESTARTED === '1';

const bundled = major >= WANTED_MAJOR || isRestarted ? undefined : findBundledNode();
if (bundled !== undefined) restart(bundled);
else await goOn();

/** The Node that `npm ci` installed beside us as a locked optional dependency, if there is one for this machine. */
function findBundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    return process.platform === 'linux' ? join(dirname(manifest), 'bin', 'node') : undefined;
  } catch {
    return undefined;
  }
}

/** Runs this file again on `node`, in the foreground; how it ends is how we end. */
function restart(node) {
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    // The channel tells the child when we die without a word (kill -9): it must not go on alone, holding the state.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PROVISO_RESTARTED: '1' },
  });
  // A terminal sends its interrupt to both of us; anybody else sends it to us alone, and it is meant for the child.
  const isFromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !isFromTerminal) child.kill(signal);
    });
  }
  child.on('error', () => {
    // For example a machine whose C library is another one than the binary's.
    void goOn();
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? FAULT;
      return;
    }
    // Without our handlers the signal ends us as it ended the child, so that the caller sees the truth.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

async function goOn() {
  if (!isOwnGoodEnough) {
    process.stderr.write(
      `proviso: this is Node ${process.versions.node}, and ${OLDEST.major}.${OLDEST.minor} or newer is needed\n` +
        '  run `npm ci` in the clone: it installs a fitting Node beside the program\n',
    );
    process.exitCode = FAULT;
    return;
  }
  if (isRestarted && process.channel) {
    process.channel.unref();
    process.on('disconnect', () => process.exit(FAULT));
  }
  const { runProcess } = await import('../src/cli/main.ts');
  process.exitCode = await runProcess(process.argv.slice(2));
}
