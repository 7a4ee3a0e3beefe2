import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What `npm run package` reads. Without the compiler's settings the bundles have other bytes. */
const SOURCES = [
  'src',
  'handlers',
  'workflows',
  'scripts',
  'deploy',
  'policies',
  'serverless.yml',
  'package.json',
  'tsconfig.json',
] as const;

/**
 * Packages a copy of the sources in the empty folder `work`, and reads the template that was made of them.
 * @throws Error with what the command printed, when it failed
 */
export function packagedTemplate<Template>(work: string): Template {
  for (const name of SOURCES) cpSync(join(ROOT, name), join(work, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(work, 'node_modules'));
  const ran = spawnSync('npm', ['run', '-s', 'package'], { cwd: work, encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`npm run package: ${ran.status}\n${ran.stdout}${ran.stderr}`);
  const file = join(work, '.serverless/cloudformation-template-update-stack.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Template;
}
