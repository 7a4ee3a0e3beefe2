import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { run, SCRATCH } from './harness.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(SCRATCH, 'proviso-files-'));
  symlinkSync('loop.yaml', join(folder, 'loop.yaml'));
  execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
  writeFileSync(join(folder, 'mark.yaml'), Buffer.from('\ufeffkind: Policy\n', 'utf16le'));
  writeFileSync(join(folder, 'plain.yaml'), Buffer.from('kind: Policy\n', 'utf16le'));
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from('title: Gesch\u00fctzt\n', 'latin1'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['a link that leads back to itself', 'loop.yaml', 'symbolic links lead back to themselves'],
  ['a pipe, which nobody may ever write to', 'pipe.yaml', 'is not a regular file'],
  ['a device', '/dev/zero', 'is not a regular file'],
  ['UTF-16 with its mark', 'mark.yaml', 'is UTF-16 text'],
  ['UTF-16 without a mark', 'plain.yaml', 'this looks like UTF-16'],
  ['another encoding', 'latin.yaml', 'is not UTF-8 text'],
])('as a policy, %s is refused in words', async (_name, file, says) => {
  const { exitCode, stdout, stderr } = await run(['policy', 'validate', file], { cwd: folder });
  expect(exitCode).toBe(EXIT.malformed);
  expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(says);
});

test('a length of time beyond reach is too far, not of a wrong form', async () => {
  const { exitCode, stderr } = await run(['clock', 'advance', '9999999999d']);
  expect(exitCode).toBe(EXIT.malformed);
  expect(stderr).toContain('too far');
});
