export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Fault {
  readonly rule: string;
  /** `path:line`. */
  readonly where: string;
  readonly what: string;
}

export interface Rule {
  readonly name: string;
  /** Shown with every fault: a rule without its reason is worked around. */
  readonly reason: string;
  readonly appliesTo?: 'sources' | 'tests' | 'all';
  readonly find: (file: ReadFile) => readonly { readonly line: number; readonly what: string }[];
}

/** A file with its imports and with comments and texts blanked out, so that words about a thing are not taken for the thing. */
interface ReadFile {
  readonly path: string;
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  /** As the source, character for character, but comments, strings and regular expressions are spaces. */
  readonly code: string;
  readonly text: string;
}

/** What each domain may import beside itself and `core`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  policy: [],
  evidence: [],
  ledger: [],
  interactions: [],
  attestations: [],
  iam: ['evidence'],
  retention: ['evidence'],
  // An organization scanned in parts; which exception covers what is handed in.
  scan: ['policy', 'evidence', 'rules'],
  // What of a batch of records is kept; knows the kinds of content that a policy names, and nothing of exceptions.
  filter: ['policy'],
  // Health of a deployment from what adapters saw of it; knows none of what the deployment decides.
  doctor: [],
  rules: ['policy', 'evidence', 'iam', 'retention'],
  exceptions: ['policy', 'evidence', 'retention'],
  diff: ['policy', 'evidence', 'iam', 'rules', 'exceptions'],
  // Preflight decides with the evaluator whether policies end at the lease's end, and whether the disabling role can act.
  enforcement: ['policy', 'evidence', 'iam', 'rules', 'exceptions', 'retention', 'filter'],
  // Control policies from the policy, proven by the evaluator.
  guardrails: ['policy', 'evidence', 'iam'],
  // What AWS Config is told: findings and leases together, which `rules` must not know of.
  compliance: ['policy', 'evidence', 'iam', 'rules', 'exceptions', 'enforcement'],
  traceability: ['evidence', 'interactions'],
  // What a call may do and what it answers; how it arrives is for handlers and the command line.
  // A policy that arrives through it passes the gate of `policy diff`: the same comparison, the same approvals.
  api: ['policy', 'evidence', 'rules', 'exceptions', 'enforcement', 'diff', 'review'],
  review: ['policy', 'evidence', 'rules', 'exceptions'],
};
const DOMAINS = Object.keys(ALLOWED);
/** Where effects may happen. */
const isEdge = (path: string): boolean =>
  /^(src\/(adapters|runtime|cli|console)\/|src\/compose[a-z-]*\.ts$|handlers\/|test\/)/.test(path);

const EFFECTS: readonly (readonly [RegExp, string])[] = [
  [/\bfetch\s*\(/g, 'fetch'],
  [/\bprocess\s*\.\s*env\b/g, 'process.env'],
  [/\bDate\s*\.\s*now\b/g, 'Date.now'],
  [/\bperformance\s*\.\s*now\b/g, 'performance.now'],
  [/\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/g, 'new Date() without an argument'],
  [/\bMath\s*\.\s*random\b/g, 'Math.random'],
  [/\b(?:randomBytes|randomUUID|randomInt|getRandomValues)\s*\(/g, 'randomness'],
];
const EFFECT_MODULES =
  /^(@aws-sdk\/|@smithy\/|(node:)?(fs|fs\/promises|sqlite|http|https|net|child_process|worker_threads)$)/;

/**
 * Comparisons with the end of a lease that are not "is the lease alive now": how many a file may have, and what they are. Everything
 * else must call `isActive` (or what is built on it) in src/exceptions/lease.ts.
 */
const COMPARES_THE_END: Readonly<Record<string, { readonly atMost: number; readonly because: string }>> = {
  'src/exceptions/lease.ts': { atMost: Number.POSITIVE_INFINITY, because: 'the one equation itself' },
  'src/enforcement/enable.ts': {
    atMost: 2,
    because:
      'the preflight must be over before the lease is; the next review tick is the earlier of tick and end',
  },
};
const COMPARISON =
  /\bexpiresAt\b\s*(?:[<>]=?|[=!]==?)(?!=)(?!\s*undefined\b)|(?<![=<])(?:[<>]=?|[=!]==?)\s*(?:[\w$]+\??\.)*\bexpiresAt\b(?!\s*[,>])/g;

export const RULES: readonly Rule[] = [
  {
    name: 'core-imports-nothing',
    reason: 'everything rests on core, so it can rest on nothing of ours',
    find: ({ path, imports }) =>
      folderOf(path) !== 'core'
        ? []
        : imports
            .filter(
              ({ specifier }) => specifier.startsWith('.') && folderOf(resolve(path, specifier)) !== 'core',
            )
            .map(({ specifier, line }) => ({ line, what: `core imports \`${specifier}\`` })),
  },
  {
    name: 'inward',
    reason: 'dependencies point inward: what decides must not know who asks or where the data is kept',
    find: ({ path, imports }) => {
      const from = folderOf(path);
      const allowed = ALLOWED[from];
      if (allowed === undefined) return [];
      return imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier, line }) => ({ to: folderOf(resolve(path, specifier)), line }))
        .filter(({ to }) => to !== from && to !== 'core' && !allowed.includes(to))
        .map(({ to, line }) => ({ line, what: `\`${from}\` imports \`${to}\`` }));
    },
  },
  {
    name: 'through-index',
    reason: 'a domain is imported through its index, so that what is inside can change',
    find: ({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier, line }) => ({ target: resolve(path, specifier), line }))
        .filter(
          ({ target }) =>
            DOMAINS.includes(folderOf(target)) &&
            folderOf(target) !== folderOf(path) &&
            !/^src\/[a-z]+\/index\.ts$/.test(target) &&
            !isStartupImport(path, target),
        )
        .map(({ target, line }) => ({ line, what: `imports \`${target}\` past its index` })),
  },
  {
    name: 'effects-at-the-edge',
    reason:
      'what decides gets facts, time and ids as arguments, so the same input always gives the same answer',
    find: ({ path, imports, code }) =>
      isEdge(path)
        ? []
        : [
            ...imports
              .filter(({ specifier }) => EFFECT_MODULES.test(specifier))
              .map(({ specifier, line }) => ({ line, what: `imports \`${specifier}\`` })),
            ...EFFECTS.flatMap(([pattern, what]) => matches(code, pattern).map((line) => ({ line, what }))),
          ],
  },
  {
    name: 'one-rule-engine',
    reason:
      'json-rules-engine fails open on missing facts and loses results when it is shared; one file makes it safe',
    find: ({ path, imports }) =>
      path === 'src/rules/json-rules-engine.ts'
        ? []
        : imports
            .filter(({ specifier }) => /^json-rules-engine(\/|$)/.test(specifier))
            .map(({ specifier, line }) => ({ line, what: `imports \`${specifier}\`` })),
  },
  {
    name: 'zod-as-a-namespace',
    reason:
      'what is imported as `* as z` leaves out what nobody uses; by its name `z` every function carries, and reads at its start, the messages of zod in fifty languages',
    find: ({ text }) =>
      matches(text, /^import \{[^}]*\bz\b[^}]*\} from 'zod'/gm).map((line) => ({
        line,
        what: 'imports `z` from zod by its name',
      })),
  },
  {
    name: 'one-equation',
    reason:
      'workflow, sweeper, rules and reports must agree to the millisecond when a lease is dead, so one function says it',
    find: ({ path, code }) => {
      const lines = matches(code, COMPARISON);
      return lines.length <= (COMPARES_THE_END[path]?.atMost ?? 0)
        ? []
        : lines.map((line) => ({ line, what: 'compares `expiresAt`' }));
    },
  },
  {
    name: 'no-only',
    reason: 'a test that runs alone silences all others',
    appliesTo: 'tests',
    find: ({ code }) =>
      matches(code, /\b(?:test|it|describe)(?:\.\w+)*\.only\b/g).map((line) => ({ line, what: '`.only`' })),
  },
  {
    name: 'no-todo',
    reason: 'what is not done is said in an issue, where somebody finds it',
    appliesTo: 'all',
    find: ({ text }) =>
      matches(text, /\b(?:TODO|FIXME|XXX)\b/g).map((line) => ({ line, what: 'work left undone' })),
  },
];

/** `proviso --help` must start without the parsers that the index of core pulls in. */
const isStartupImport = (path: string, target: string): boolean =>
  (path === 'src/cli/main.ts' && target === 'src/core/brands.ts') ||
  (path.startsWith('src/cli/terminal/') && target === 'src/core/display-width.ts');

export function brokenRules(files: readonly SourceFile[], rules: readonly Rule[]): readonly Fault[] {
  return files.flatMap((file) => {
    const readFile = readSource(file);
    return rules.flatMap((rule) =>
      rule.find(readFile).map(({ line, what }) => ({
        rule: rule.name,
        where: `${file.path}:${line}`,
        what: `${what}; ${rule.reason}`,
      })),
    );
  });
}

/** Cycles between the folders of `src`, each once, `a -> b -> a`, starting with the first name. Type imports count too. */
export function folderCycles(files: readonly SourceFile[]): readonly string[] {
  const edges = new Map<string, Set<string>>();
  for (const file of files) {
    const from = folderOf(file.path);
    for (const { specifier } of readSource(file).imports) {
      const to = specifier.startsWith('.') ? folderOf(resolve(file.path, specifier)) : '';
      if (from === '' || to === '' || to === from) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  const cycles = new Set<string>();
  const walk = (path: readonly string[]): void => {
    for (const next of [...(edges.get(path.at(-1) ?? '') ?? [])].sort()) {
      const start = path.indexOf(next);
      if (start === -1) walk([...path, next]);
      else {
        const cycle = path.slice(start);
        const first = cycle.indexOf([...cycle].sort()[0] ?? '');
        cycles.add([...cycle.slice(first), ...cycle.slice(0, first), cycle[first]].join(' -> '));
      }
    }
  };
  for (const folder of [...edges.keys()].sort()) walk([folder]);
  return [...cycles].sort();
}

/** Folders and files; `x.test.ts` and `name.asl.yml` have kebab-case parts between their dots. The test runner names its own folder. */
export const isKebabCase = (path: string): boolean =>
  path
    .split('/')
    .every(
      (part) =>
        /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/.test(part) ||
        part === 'README.md' ||
        part === '__snapshots__',
    );

/** Every package is locked by its integrity, and none by an address: the registry is for whoever installs to choose. */
export function lockFileFaults(text: string): readonly string[] {
  const lock = JSON.parse(text) as {
    packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }>;
  };
  return Object.entries(lock.packages).flatMap(([name, entry]) => {
    if (entry.resolved !== undefined) return [`\`${name}\` names a download address`];
    return name !== '' && entry.link !== true && entry.integrity === undefined
      ? [`\`${name}\` has no integrity`]
      : [];
  });
}

const IMPORT =
  /\b(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s*)?(['"])([^'"\n]+)\1|\bimport\s*\(\s*(['"])([^'"\n]+)\3/g;

function readSource({ path, text }: SourceFile): ReadFile {
  const withoutComments = blank(text, true);
  const imports = [...withoutComments.matchAll(IMPORT)].map((match) => ({
    specifier: match[2] ?? match[4] ?? '',
    line: lineAt(text, match.index),
  }));
  return { path, imports, code: blank(text, false), text };
}

/**
 * The source with comments (and, unless `keepTexts`, the contents of strings and regular expressions) replaced by spaces. Template
 * literals lose their text and keep the code inside `${}`. Line breaks stay, so lines can be counted.
 */
function blank(text: string, keepTexts: boolean): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=[=(,:;!&|?{}[\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  const spaces = (piece: string): string => piece.replace(/[^\n]/g, ' ');
  const blanked = text.replace(token, (piece) => {
    const isComment = piece.startsWith('//') || piece.startsWith('/*');
    return isComment || !keepTexts ? spaces(piece) : piece;
  });
  return blanked;
}

const matches = (text: string, pattern: RegExp): readonly number[] =>
  [...text.matchAll(pattern)].map((match) => lineAt(text, match.index));

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** `src/policy/x.ts` is in `policy`; a file directly in `src` and everything outside is in no folder. */
const folderOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? '';

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
