import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { parse } from 'yaml';

/*
 * One self-contained ES module per Lambda function, and the two state machines as CloudFormation wants them: what `npm run package`
 * puts into the deployment. The same sources give the same bytes; nothing is fetched.
 */

const ROOT = join(import.meta.dirname, '..');
const NOT_FUNCTIONS = new Set(['index.ts', 'event.ts', 'lambda.ts', 'telemetry.ts']);

/** Some dependencies are CommonJS and call `require` for modules of Node; an ES module has none of its own. */
const BANNER =
  "import { createRequire as provisoCreateRequire } from 'node:module'; const require = provisoCreateRequire(import.meta.url);";

export interface Bundled {
  /** `list-content`, as its file is called. */
  readonly name: string;
  readonly file: string;
}

/** The files of handlers/ that are Lambda functions. */
export const handlerNames = (): readonly string[] =>
  readdirSync(join(ROOT, 'handlers'))
    .filter((file) => file.endsWith('.ts') && !NOT_FUNCTIONS.has(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();

/** @returns one entry per function, `<directory>/<name>/index.mjs` */
export async function bundleHandlers(directory: string): Promise<readonly Bundled[]> {
  const names = handlerNames();
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: `handlers/${name}.ts`, out: `${name}/index` })),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    // The ES builds of the SDK can be shaken; their CommonJS builds cannot.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
    banner: { js: BANNER },
    logLevel: 'warning',
  });
  rmSync(directory, { recursive: true, force: true });
  for (const { path, contents } of result.outputFiles) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, contents);
  }
  return names.map((name) => ({ name, file: join(directory, name, 'index.mjs') }));
}

/** `list-content` is the function `listContent` in serverless.yml and in the workflows. */
export const functionName = (handler: string): string =>
  handler.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/**
 * A workflow, by its path below the repository, as CloudFormation takes it: every `Fn::GetAtt: [listContent, Arn]` becomes a substitution `${listContent}`.
 * Comments for people stay; the definition is the file's, word for word.
 */
export function stateMachine(file: string): {
  readonly definition: Readonly<Record<string, unknown>>;
  readonly functions: readonly string[];
} {
  const functions = new Set<string>();
  const substitute = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(substitute);
    if (typeof value !== 'object' || value === null) return value;
    const target = (value as Record<string, unknown>)['Fn::GetAtt'];
    if (Array.isArray(target) && target.length === 2 && target[1] === 'Arn') {
      functions.add(String(target[0]));
      return `\${${String(target[0])}}`;
    }
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substitute(member)]));
  };
  const parsed = parse(readFileSync(join(ROOT, file), 'utf8')) as Record<string, unknown>;
  return {
    definition: substitute(parsed) as Record<string, unknown>,
    functions: [...functions].sort(),
  };
}
