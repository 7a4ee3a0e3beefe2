import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Parser } from 'commonmark';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { policyDiffJsonSchema, policyDiffSchema } from '../../src/cli/policy-diff/json-schema.ts';
import { escapeMarkdown } from '../../src/cli/policy-diff/markdown.ts';
import { expectGolden } from './golden.ts';
import { sarifFaults } from './grammars/grammars.ts';
import { REPOSITORY, run } from './harness.ts';

const FIXTURES = 'test/diff/fixtures';
const OLD = `${FIXTURES}/old.yaml`;
const NEW = `${FIXTURES}/new.yaml`;
const fixture = (name: string): string => readFileSync(join(REPOSITORY, FIXTURES, name), 'utf8');

/** A folder of its own for what a test writes. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proviso-diff-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('policy diff', () => {
  test('as text', async () => {
    const { stdout, exitCode } = await run(['policy', 'diff', OLD, NEW]);
    expect(exitCode).toBe(0);
    await expectGolden(stdout, 'policy-diff.txt');
    const tooWide = stdout.split('\n').filter((line) => line.length > 80);
    expect(tooWide).toEqual([]);
  });

  test('as a comment on a pull request', async () => {
    const { stdout } = await run(['policy', 'diff', OLD, NEW, '--format', 'markdown']);
    await expectGolden(stdout, 'policy-diff.md');
  });

  test('as JSON, in the form of its schema', async () => {
    const { stdout } = await run([
      'policy',
      'diff',
      OLD,
      NEW,
      '--format',
      'json',
      '--snapshot',
      'examples/organization',
      '--requests',
      'examples/requests',
    ]);
    const parsed = policyDiffSchema.safeParse(JSON.parse(stdout));
    expect(parsed.error?.issues ?? []).toEqual([]);
    const plain = await run(['policy', 'diff', OLD, NEW, '--format', 'json']);
    await expectGolden(`${JSON.stringify(JSON.parse(plain.stdout), undefined, 2)}\n`, 'policy-diff.json');
  });

  test('the published schema is the one that the program has', () => {
    const published: unknown = JSON.parse(
      readFileSync(join(REPOSITORY, 'docs/policy-diff.schema.json'), 'utf8'),
    );
    expect(published).toEqual(policyDiffJsonSchema());
  });

  test('as SARIF, each result on the line that changed', async () => {
    const { stdout } = await run(['policy', 'diff', OLD, NEW, '--format', 'sarif']);
    expect(sarifFaults(stdout)).toEqual([]);
    expect(sarifFaults(stdout.replaceAll('"message"', '"massage"'))).not.toEqual([]);
    await expectGolden(`${JSON.stringify(JSON.parse(stdout), undefined, 2)}\n`, 'policy-diff.sarif');
    const lines = fixture('new.yaml').split('\n');
    const lineOf = (path: string): string | undefined => {
      const sarif = JSON.parse(stdout) as {
        runs: [
          {
            results: {
              locations: [
                {
                  physicalLocation: { region: { startLine: number } };
                  logicalLocations: [{ fullyQualifiedName: string }];
                },
              ];
            }[];
          },
        ];
      };
      const result = sarif.runs[0].results.find(
        ({ locations: [location] }) =>
          location.logicalLocations[0].fullyQualifiedName === `small-policy.${path}`,
      );
      return lines[(result?.locations[0].physicalLocation.region.startLine ?? 0) - 1]?.trim();
    };
    expect(lineOf('exceptions.limits.retention')).toBe('retention: 21d');
    expect(lineOf('controls.CP-01.require')).toContain('textDataDelivery');
    expect(lineOf('controls.CP-04.id')).toBe('- id: CP-04');
    expect(lineOf('storage.scope.regions')).toBe('regions: [us-east-1, eu-west-1, eu-west-2]');
  });

  test('of a policy with itself', async () => {
    const { stdout, exitCode } = await run(['policy', 'diff', OLD, OLD, '--fail-on', 'any']);
    expect(stdout).toContain('The two say and mean the same');
    expect(exitCode).toBe(0);
  });

  test('of a policy with the same policy, laid out and commented otherwise', async () => {
    const other = written(
      'other.yaml',
      fixture('old.yaml').replace('kind: Policy', '# a comment\nkind:   "Policy"'),
    );
    written('other.cases.yaml', fixture('old.cases.yaml'));
    const { stdout } = await run(['policy', 'diff', OLD, other]);
    expect(stdout).toContain('The two say and mean the same; only layout or comments can differ.');
  });
});

describe('the gate', () => {
  const text = fixture('old.yaml');
  test.each([
    ['a loosening', ['retention: 14d', 'retention: 15d'], 1, 1],
    ['a tightening', ['maxSubjects: 50', 'maxSubjects: 40'], 0, 1],
    ['both at once', ['us-east-1, eu-west-1]', 'us-east-1, eu-west-2]'], 1, 1],
    ['what nobody can decide', ['owner: Cloud Governance', 'owner: Somebody'], 1, 1],
    ['an equivalence', ['op: equal, value: user', 'op: in, value: [user]'], 0, 1],
    ['a text', ['message: Text is being stored.', 'message: Text is kept.'], 0, 1],
  ] as const)('%s', async (name, [find, replace], onLoosening, onAny) => {
    expect(text).toContain(find);
    const file = written(`${name.replaceAll(' ', '-')}.yaml`, text.replace(find, replace));
    written(`${name.replaceAll(' ', '-')}.cases.yaml`, fixture('old.cases.yaml'));
    const exit = async (...more: string[]): Promise<number> =>
      (await run(['policy', 'diff', OLD, file, ...more])).exitCode;
    expect(await exit()).toBe(0);
    expect(await exit('--fail-on', 'loosening')).toBe(onLoosening);
    expect(await exit('--fail-on', 'any')).toBe(onAny);
  });
});

describe('bad input', () => {
  const refused = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await run(['policy', 'diff', ...args]);
    expect(stdout, 'no diff').toBe('');
    expect(exitCode).toBe(2);
    return stderr;
  };

  test('two different policies', async () => {
    const other = written(
      'different.yaml',
      fixture('old.yaml').replace('id: small-policy', 'id: another-policy'),
    );
    expect(await refused(OLD, other)).toContain('`small-policy` and `another-policy` are two policies');
  });

  test('two versions of the language', async () => {
    const other = written(
      'language.yaml',
      fixture('old.yaml').replace('schemaVersion: 1', 'schemaVersion: 2'),
    );
    expect(await refused(OLD, other)).toContain('unsupported-version');
  });

  test('a policy that does not validate: its faults, and no diff', async () => {
    const other = written(
      'faults.yaml',
      fixture('old.yaml').replace('retention: 14d', 'retention: 2d').replace('value: user', 'value: usr'),
    );
    const stderr = await refused(OLD, other);
    expect(stderr).toContain('there is no diff of what does not validate');
    expect(stderr).toContain('limits-contradict');
    expect(stderr).toContain('did you mean `user`?');
  });

  test('faults of both sides are told at once', async () => {
    const [one, other] = ['one-fault.yaml', 'other-fault.yaml'].map((name) =>
      written(name, fixture('old.yaml').replace('baseline: none', `baseline: ${name}`)),
    );
    const stderr = await refused(one ?? '', other ?? '');
    expect(stderr).toContain('one-fault.yaml:');
  });

  test('a conflict marker', async () => {
    const other = written(
      'conflict.yaml',
      fixture('old.yaml').replace('storage:\n', '<<<<<<< HEAD\nstorage:\n'),
    );
    expect(await refused(OLD, other)).toContain('conflict-marker');
  });

  test('cases that do not fit their policy', async () => {
    const other = written('badcases.yaml', fixture('old.yaml'));
    written('badcases.cases.yaml', fixture('old.cases.yaml').replace('control: CP-01', 'control: CP-77'));
    expect(await refused(OLD, other)).toContain('unknown-control');
  });

  test('a side that is nothing at all', async () => {
    expect(await refused('no-such-revision', NEW)).toContain(
      '`no-such-revision` is neither a file, a folder nor a git revision',
    );
  });

  test('a folder of requests without a request, and one that cannot be read', async () => {
    mkdirSync(join(folder, 'none'), { recursive: true });
    expect(await refused(OLD, NEW, '--requests', join(folder, 'none'))).toContain('there is no request');
    mkdirSync(join(folder, 'bad'), { recursive: true });
    writeFileSync(join(folder, 'bad', 'x.yaml'), 'kind: ExceptionRequest\n');
    expect(await refused(OLD, NEW, '--requests', join(folder, 'bad'))).toContain('1 request in');
  });

  test('1,000 controls that all changed are compared within seconds', async () => {
    const [head = '', rest = ''] = fixture('old.yaml').split('controls:\n');
    const tail = rest.slice(rest.indexOf('exceptions:\n'));
    const controls = (op: string): string =>
      Array.from(
        { length: 999 },
        (
          _,
          index,
        ) => `  - { id: AA-${index + 1}, title: No ${index}, subject: account-region, severity: low, source: [{ document: policy, section: '1' }], message: m, remedy: r,
      require: { all: [{ fact: dataRetention.mode, op: ${op}, value: [none, m${index}] }, { fact: account.state, op: notEqual, value: s${index} }] } }`,
      ).join('\n');
    const kept = rest.slice(0, rest.indexOf('exceptions:\n'));
    const make = (op: string): string => `${head}controls:\n${kept}${controls(op)}\n${tail}`;
    const started = performance.now();
    const { stdout } = await run([
      'policy',
      'diff',
      written('many-old.yaml', make('in')),
      written('many-new.yaml', make('notIn')),
      '--format',
      'json',
    ]);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(JSON.parse(stdout)).toMatchObject({ policies: [{ counts: { both: 999, notDecided: 0 } }] });
  });
});

describe('git revisions', () => {
  let repository = '';
  const git = (...args: string[]): string =>
    execFileSync(
      'git',
      ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', ...args],
      {
        cwd: repository,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
  const here = (...args: string[]) => run(['policy', 'diff', ...args], { cwd: repository });
  beforeAll(() => {
    repository = mkdtempSync(join(tmpdir(), 'proviso-git-'));
    git('init', '--quiet', '--initial-branch', 'main');
    mkdirSync(join(repository, 'policies'));
    writeFileSync(join(repository, 'policies/small.yaml'), fixture('old.yaml'));
    writeFileSync(join(repository, 'policies/small.cases.yaml'), fixture('old.cases.yaml'));
    git('add', '.');
    git('commit', '--quiet', '-m', 'one');
    git('tag', 'v1.0.0');
    git('checkout', '--quiet', '-b', 'change');
    writeFileSync(join(repository, 'policies/small.yaml'), fixture('new.yaml'));
    writeFileSync(join(repository, 'policies/small.cases.yaml'), fixture('new.cases.yaml'));
    git('commit', '--quiet', '-am', 'two');
    git('checkout', '--quiet', 'main');
    writeFileSync(join(repository, 'README.md'), 'moved on');
    symlinkSync('policies/small.yaml', join(repository, 'link.yaml'));
    git('add', '.');
    git('commit', '--quiet', '-m', 'three');
    git('checkout', '--quiet', 'change');
  });
  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  test.each([
    ['a range', ['main..HEAD']],
    ['a range from where the two parted', ['main...change']],
    ['a range that ends here', ['v1.0.0..']],
    ['a tag and the folder as it is now', ['v1.0.0']],
    ['a file of a revision and a file', ['v1.0.0:policies/small.yaml', 'policies/small.yaml']],
    ['folders of two revisions', ['main:policies', 'change:policies/']],
    ['a path from here', ['main:./policies', 'policies/small.yaml']],
  ])('%s', async (_name, args) => {
    const { stdout, exitCode } = await here(...args, '--fail-on', 'loosening', '--format', 'json');
    expect(exitCode).toBe(1);
    const { policies } = policyDiffSchema.parse(JSON.parse(stdout));
    expect(policies.map(({ old, new: next }) => [old.version, next.version])).toEqual([['1.0.0', '1.1.0']]);
    expect(
      policies[0]?.changes.find(({ path }) => path === 'exceptions.limits.retention')?.place.new.file,
    ).toBe('policies/small.yaml');
  });

  test.each([
    [
      'a revision without the file',
      ['v1.0.0:policies/other.yaml', 'policies/small.yaml'],
      'revision `v1.0.0` has no `policies/other.yaml`',
    ],
    ['an unknown revision', ['nowhere..HEAD'], 'there is no revision `nowhere`'],
    [
      'a revision that looks like an option',
      ['--', '--output=x:policies', 'policies'],
      'there is no revision `--output=x`',
    ],
    ['a link', ['main:link.yaml', 'policies/small.yaml'], 'has no policy in `link.yaml`'],
    ['a path outside the repository', ['main:../policies', 'policies'], 'lies outside the repository'],
    ['a file that is no policy', ['main:README.md', 'policies/small.yaml'], 'wrong-type'],
  ])('%s', async (_name, args, message) => {
    const { stdout, stderr, exitCode } = await here(...args);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  });

  test('outside of any repository', async () => {
    const outside = await run(['policy', 'diff', 'main..HEAD'], { cwd: folder });
    expect(outside.exitCode).toBe(2);
    expect(outside.stderr).toContain('this folder belongs to no git repository');
  });
});

describe('the example of a GitHub workflow', () => {
  const workflow = parse(
    readFileSync(join(REPOSITORY, 'examples/github-actions/policy-review.yml'), 'utf8'),
  ) as {
    jobs: Record<string, { steps: { run?: string; with?: Record<string, unknown> }[] }>;
  };
  const scripts = Object.values(workflow.jobs).flatMap(({ steps }) =>
    steps.flatMap(({ run: script }) => script ?? []),
  );

  test('calls the program with options that it has', async () => {
    const lines = scripts.flatMap((script) => script.split('\n')).filter((line) => line.includes('proviso'));
    expect(lines.length).toBe(3);
    const { stdout } = await run(['policy', 'diff', '--help']);
    for (const line of lines) {
      expect(line).toContain('proviso policy diff "$BASE..$HEAD"');
      for (const [option] of line.matchAll(/(?<= )--(?!no-install)[a-z-]+/g))
        expect(stdout).toContain(option);
    }
  });

  test('lets a loosening pass by approvals alone, and by the signers of the base', () => {
    const gates = scripts.filter((script) => script.includes('--fail-on'));
    expect(gates).toEqual([
      'npx --no-install proviso policy diff "$BASE..$HEAD" --fail-on loosening --approvals policy-approvals.json',
    ]);
    expect(scripts.join()).not.toContain('--signers');
  });

  test('never checks out the head, and puts nothing from the pull request into a script', () => {
    const refs = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.flatMap((step) => step.with?.['ref'] ?? []),
    );
    expect(refs.join()).toMatch(/^\$\{\{ github\.event\.pull_request\.base\.sha \}\}$/);
    const inserted = scripts.flatMap((script) =>
      [...script.matchAll(/\$\{\{\s*(.*?)\s*\}\}/g)].map(([, what]) => what),
    );
    expect(inserted).toEqual(['github.event.pull_request.number']);
  });
});

describe('Markdown of a hostile policy', () => {
  test('a title cannot close a fold, link, or show an image', async () => {
    const hostile = '"</details> <img src=x> [l](https://e.example) ![i](x) `tick`` <b>"';
    const other = written(
      'hostile.yaml',
      fixture('old.yaml')
        .replace('title: A small policy', `title: ${hostile}`)
        .replace('title: Invocation logging stores no text', `title: ${hostile}`)
        .replace('op: equal, value: disabled', 'op: notEqual, value: enabled'),
    );
    const { stdout } = await run(['policy', 'diff', OLD, other, '--format', 'markdown']);
    const walker = new Parser().parse(stdout).walker();
    const types = new Set<string>();
    for (let step = walker.next(); step !== null; step = walker.next()) types.add(step.node.type);
    expect([...types].filter((type) => ['link', 'image', 'html_inline'].includes(type))).toEqual([]);
    // Only our own folds are HTML, and each one is closed; what stands in code is no markup.
    const markup = stdout.replace(/`[^`\n]*`/g, '');
    expect(
      markup.match(/<[a-z/][^>]*>/g)?.filter((tag) => !/^<\/?(details|summary)>$/.test(tag)) ?? [],
    ).toEqual([]);
    expect(markup.match(/<details>/g)?.length).toBe(markup.match(/<\/details>/g)?.length);
  });

  test.each([
    ['</details><img src=x>', '&lt;/details&gt;&lt;img src=x&gt;'],
    ['[click](https://evil.example)', '\\[click\\](https:\u2060//evil.example)'],
    ['@everyone, see #1', '@\u2060everyone, see #\u20601'],
    ['**bold** _it_ ~~no~~', '\\*\\*bold\\*\\* \\_it\\_ \\~\\~no\\~\\~'],
    ['a `code <b>` and ``two``', 'a `code <b>` and `two`'],
    ['an odd ` tick <b>', 'an odd \\` tick &lt;b&gt;'],
    ['a \u202eline\nbreak', 'a \\\\u202eline\\\\u000abreak'],
  ])('%j', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });
});
