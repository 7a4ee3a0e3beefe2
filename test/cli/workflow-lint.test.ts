import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { expectGolden } from './golden.ts';
import { run } from './harness.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function withDefinition(text: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'proviso-test-'));
  folders.push(cwd);
  await writeFile(join(cwd, 'machine.asl.yml'), text);
  return cwd;
}

const waiting = (payload: string): string => `StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke.waitForTaskToken
    TimeoutSeconds: 60
    Parameters:
      FunctionName: { Fn::GetAtt: [ask, Arn] }
      Payload: ${payload}
    End: true
`;

test('a definition with its token passed is clean', async () => {
  const cwd = await withDefinition(waiting('{ token.$: $$.Task.Token }'));
  const { exitCode, stdout } = await run(['workflow', 'lint', 'machine.asl.yml'], { cwd });
  expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.fine, stdout: 'machine.asl.yml: clean, 1 state\n' });
});

test('a trap that the syntax allows is exit 1, with its place', async () => {
  const cwd = await withDefinition(waiting('{ a: 1 }'));
  const { exitCode, stdout } = await run(['workflow', 'lint', '.'], { cwd });
  expect(exitCode).toBe(EXIT.findings);
  await expectGolden(stdout, 'workflow-lint.txt');
});

test('a definition outside the subset is exit 2, with state and field', async () => {
  const cwd = await withDefinition(
    waiting('{ token.$: $$.Task.Token }').replace('    End: true', '    Assign: {}\n    End: true'),
  );
  const { exitCode, stdout } = await run(['workflow', 'lint', 'machine.asl.yml'], { cwd });
  expect(exitCode).toBe(EXIT.malformed);
  expect(stdout).toContain('Ask');
  expect(stdout).toContain('Assign');
});

test('a folder without definitions is exit 2', async () => {
  const { exitCode, stderr } = await run(['workflow', 'lint', 'docs']);
  expect(exitCode).toBe(EXIT.malformed);
  expect(stderr).toContain('no state machine');
});

test('the shipped workflows are free of errors', async () => {
  const { exitCode, stdout } = await run(['workflow', 'lint']);
  expect(stdout).not.toContain('error:');
  expect(exitCode).toBe(EXIT.fine);
});
