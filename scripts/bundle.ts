import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { parse } from 'yaml';

/*
 * One folder per Lambda function, whole in itself, and the two state machines as CloudFormation wants them: what `npm run package` puts into
 * the deployment. The same sources give the same bytes; nothing is fetched.
 */

const ROOT = join(import.meta.dirname, '..');
const NOT_FUNCTIONS = new Set(['index.ts', 'event.ts', 'lambda.ts', 'telemetry.ts']);

/**
 * Modules of Node are asked for and not imported. To import one, Node reads each of its exports, also those that are made when they are first
 * read: of `node:http` that is a whole second HTTP client, and a fifth of a function's cold start.
 */
const askNode: Plugin = {
  name: 'ask-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?[a-z]/ }, ({ path }) =>
      isBuiltin(path)
        ? { path: path.replace(/^node:/, ''), namespace: 'node', sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(`node:${path}`)});`,
    }));
  },
};

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

/**
 * Makes `<directory>/<name>/index.mjs` of every function, and beside it in `parts/` what it imports: at its start, or when something is first
 * asked for (`src/adapters/aws/later.ts`).
 */
export async function bundleHandlers(directory: string): Promise<readonly Bundled[]> {
  const names = handlerNames();
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: `handlers/${name}.ts`, out: name })),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    metafile: true,
    write: false,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    // The ES builds of the SDK can be shaken; their CommonJS builds cannot.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
    plugins: [askNode],
    logLevel: 'warning',
  });
  const outputs = new Map(result.outputFiles.map(({ path, text }) => [relative(ROOT, path), text]));
  const entries = names.map((name) => relative(ROOT, join(directory, `${name}.mjs`)));
  const nameOf = partNames(reachedFrom(entries, result.metafile));
  rmSync(directory, { recursive: true, force: true });
  return names.map((name, index) => {
    for (const part of reachedFrom(entries.slice(index, index + 1), result.metafile)) {
      const file = join(directory, name, part === entries[index] ? 'index.mjs' : `parts/${nameOf(part)}`);
      mkdirSync(dirname(file), { recursive: true });
      const text = outputs.get(part) ?? '';
      writeFileSync(
        file,
        text.replaceAll(HASHED, (hashed) => nameOf(hashed)),
      );
    }
    return { name, file: join(directory, name, 'index.mjs') };
  });
}

/** As esbuild names a part: by what is in it and by where its sources stand on this disk. */
const HASHED = /\b[\w-]+-[A-Z0-9]{8}\.mjs\b/g;

/** Outputs and everything that they import, at once or later, in an order that follows from the sources alone. */
function reachedFrom(entries: readonly string[], { outputs }: Metafile): ReadonlySet<string> {
  const reached = new Set(entries);
  for (const each of reached)
    for (const { path, external } of outputs[each]?.imports ?? []) if (external !== true) reached.add(path);
  return reached;
}

/** Names that are the same wherever this is built: numbers, in the order in which parts are reached. */
function partNames(reached: ReadonlySet<string>): (part: string) => string {
  const numbers = new Map([...reached].map((part, index) => [basename(part), index]));
  return (part) => {
    const hashed = basename(part);
    const number = numbers.get(hashed);
    // A text in the sources that only looks like the name of a part stays.
    return number === undefined ? hashed : hashed.replace(/[A-Z0-9]{8}\.mjs$/, `${number}.mjs`);
  };
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
