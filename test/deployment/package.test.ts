import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useExactVersions } from '../../deploy/exact-versions.js';
import { bundleHandlers, functionName, handlerNames, stateMachine } from '../../scripts/bundle.ts';
import { generatedResources } from '../../scripts/deployment.ts';
import { OPTIONAL_VARIABLES, VARIABLES } from '../../src/adapters/environment.ts';
import { packagedTemplate } from './packaged.ts';

/* What `npm run package` makes: the same bytes every time, small, and a template that fits together. Nothing is fetched or deployed. */

const ROOT = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'proviso-package-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const MB = 1024 * 1024;
const zipped = new Map<string, number>();
/** Most parts are those of every function. */
function zippedSize(bytes: Buffer): number {
  const hash = createHash('sha256').update(bytes).digest('hex');
  const size = zipped.get(hash) ?? gzipSync(bytes).length;
  zipped.set(hash, size);
  return size;
}

/** The files of a function, its own first. */
const partsOf = (name: string, folder = 'first'): readonly string[] =>
  readdirSync(join(work, folder, name), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.mjs'))
    .sort();

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>
  >;
}

let template: Template;

beforeAll(() => {
  template = packagedTemplate(work);
}, 300_000);

describe('the bundles', () => {
  it('are the same bytes in two runs, one for each function, and far below a megabyte', async () => {
    const first = await bundleHandlers(join(work, 'first'));
    expect(first.map(({ name }) => name)).toEqual(handlerNames());
    for (const { name } of first) {
      const files = partsOf(name);
      // By `npm run package`, of a copy of the sources elsewhere on the disk.
      expect(partsOf(name, 'dist/functions')).toEqual(files);
      let zipped = 0;
      for (const file of files) {
        const bytes = readFileSync(join(work, 'first', name, file));
        const again = readFileSync(join(work, 'dist/functions', name, file));
        expect(bytes.equals(again), `${name}/${file}`).toBe(true);
        zipped += zippedSize(bytes);
      }
      expect(zipped, name).toBeLessThan(MB);
    }
  }, 300_000);

  it('are whole: every part can be imported where it stands', () => {
    const parts = partsOf('sweep').map((file) => pathToFileURL(join(work, 'first/sweep', file)).href);
    expect(parts.length).toBeGreaterThan(20);
    const ran = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `await Promise.all(${JSON.stringify(parts)}.map((each) => import(each)));`,
      ],
      { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
  });

  it('read at their start neither clients that they may not need nor every export of Node’s own modules', () => {
    const folder = join(work, 'first/tally-approvals');
    const files = partsOf('tally-approvals');
    const read = (file: string) => readFileSync(join(folder, file), 'utf8');
    const atStart = new Set(
      files.filter((file) => /^(index|parts\/(compose-aws|telemetry)-\d+)\.mjs$/.test(file)),
    );
    expect(atStart.size).toBe(3);
    for (const file of atStart)
      for (const [, path = ''] of read(file).matchAll(/(?:from|import)"(\.[^"]+)"/g))
        atStart.add(join(file, '..', path));
    const holding = (text: string) => files.filter((file) => read(file).includes(text));
    // As the requests of each service name it.
    for (const client of ['AWSOrganizationsV20161128', 'TrentService', 'AWSStepFunctions']) {
      expect(holding(client), client).not.toEqual([]);
      expect(
        holding(client).filter((file) => atStart.has(file)),
        client,
      ).toEqual([]);
    }
    expect(holding('DynamoDB_20120810').some((file) => atStart.has(file))).toBe(true);
    const imports = (text: string) =>
      [...text.matchAll(/(?:^|;)import\b[^";()]*"([^"]+)"/g)].map(([, path]) => path);
    expect(files.flatMap((file) => imports(read(file))).filter((path) => !path?.startsWith('./'))).toEqual(
      [],
    );
  });

  it('hold neither the embedded AWS nor the embedded runtime', () => {
    for (const file of partsOf('sweep'))
      expect(readFileSync(join(work, 'first/sweep', file), 'utf8'), file).not.toContain('node:sqlite');
  });

  it('say what is missing when nothing is configured', () => {
    const file = join(work, 'first/list-content/index.mjs');
    const ran = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const m = await import(${JSON.stringify(file)}); await m.handler({ exceptionId: 'ex-000000000000' }).catch((e) => console.log(e.name + ': ' + e.message));`,
      ],
      { encoding: 'utf8', env: { PATH: process.env['PATH'], AWS_LAMBDA_FUNCTION_NAME: 'listContent' } },
    );
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toMatch(/^ConfigurationError: the function is not configured: /);
    for (const name of Object.keys(VARIABLES)) expect(ran.stdout).toContain(`\`${name}\` is missing (`);
  });
});

describe('the governance template', () => {
  const ofType = (type: string) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

  it('has every function with a role, a log group and an archive of its own', () => {
    const functions = ofType('AWS::Lambda::Function');
    expect(functions).toHaveLength(handlerNames().length);
    const roles = functions.map(([, { Properties }]) => JSON.stringify(Properties['Role']));
    expect(new Set(roles).size).toBe(functions.length);
    for (const [, { Properties }] of functions)
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
      });
    for (const [name, { Properties }] of ofType('AWS::Logs::LogGroup'))
      expect(Properties['RetentionInDays'], name).toBe(400);
    expect(
      readdirSync(join(work, '.serverless'))
        .filter((file) => file.endsWith('.zip'))
        .sort(),
    ).toEqual(
      handlerNames()
        .map((name) => `${functionName(name)}.zip`)
        .sort(),
    );
  });

  it('gives the functions the variables that they read, and no others', () => {
    const given = ofType('AWS::Lambda::Function').map(([, { Properties }]) =>
      Object.keys((Properties['Environment'] as { Variables: object }).Variables).sort(),
    );
    const read = [...Object.keys(VARIABLES), ...Object.keys(OPTIONAL_VARIABLES)].filter(
      (name) => name !== 'AWS_REGION',
    );
    for (const names of given) expect(names).toEqual(read.sort());
  });

  it('has the state machines of workflows/, word for word, with a function behind every name and no execution data in their logs', () => {
    const machines = ofType('AWS::StepFunctions::StateMachine');
    expect(machines.map(([name]) => name).sort()).toEqual([
      'EndingMachine',
      'ExceptionMachine',
      'ScanMachine',
    ]);
    for (const [name, { Properties }] of machines) {
      const file = {
        ExceptionMachine: 'workflows/prompt-storage-exception.asl.yml',
        EndingMachine: 'workflows/prompt-storage-ending.asl.yml',
        ScanMachine: 'deploy/organization-scan.asl.yml',
      }[name];
      if (file === undefined) throw new Error(`no file of \`${name}\``);
      const { definition, functions } = stateMachine(file);
      const text = String(Properties['DefinitionString']);
      expect(JSON.parse(text.replaceAll(`"arn:\${Partition}:`, '"arn:aws:'))).toEqual(definition);
      // An exact version, so that a running exception keeps the code it began with.
      const { Partition, ...substitutions } = Properties['DefinitionSubstitutions'] as Readonly<
        Record<string, { Ref: string }>
      >;
      expect(Partition).toEqual({ Ref: 'AWS::Partition' });
      expect(Object.keys(substitutions).sort()).toEqual(functions);
      for (const each of functions)
        expect(template.Resources[substitutions[each]?.Ref ?? ''], each).toMatchObject({
          Type: 'AWS::Lambda::Version',
          DeletionPolicy: 'Retain',
          Properties: {
            FunctionName: { Ref: `${each.charAt(0).toUpperCase()}${each.slice(1)}LambdaFunction` },
          },
        });
      expect(Properties).toMatchObject({
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
      });
    }
  });

  it('names no partition of AWS, so that it goes into every one', () => {
    expect(JSON.stringify(template)).not.toContain('arn:aws:');
    for (const name of readdirSync(join(ROOT, 'templates')))
      expect(readFileSync(join(ROOT, 'templates', name), 'utf8'), name).not.toContain('arn:aws:');
  });

  it('lets schedules call the alias that moves only to a published version', () => {
    for (const name of ['DeadMansSwitch', 'Sweep']) {
      const alias = template.Resources[`${name}Live`];
      expect(alias).toMatchObject({ Type: 'AWS::Lambda::Alias', Properties: { Name: 'live' } });
      const at = alias?.Properties['FunctionVersion'] as { 'Fn::GetAtt': [string] } | undefined;
      expect(template.Resources[at?.['Fn::GetAtt'][0] ?? '']?.Properties['FunctionName']).toEqual({
        Ref: `${name}LambdaFunction`,
      });
    }
    expect(template.Resources['SweepSchedule']?.Properties['Target']).toMatchObject({
      Arn: { Ref: 'SweepLive' },
    });
    for (const [name, { Properties }] of ofType('AWS::Lambda::EventInvokeConfig'))
      expect(Properties['Qualifier'], name).toBe('live');
  });

  it('refuses to package when a machine would name no version', () => {
    expect(() =>
      useExactVersions(
        {
          Resources: {
            OneLambdaFunction: { Type: 'AWS::Lambda::Function', Properties: {} },
            Machine: {
              Type: 'AWS::StepFunctions::StateMachine',
              Properties: {
                DefinitionSubstitutions: { one: { 'Fn::GetAtt': ['OneLambdaFunction', 'Arn'] } },
              },
            },
          },
        },
        [],
      ),
    ).toThrow('no version is published of `OneLambdaFunction`');
  });

  it('keeps its data: tables, keys and certificates are retained, protected and encrypted', () => {
    for (const [name, resource] of [...ofType('AWS::DynamoDB::Table'), ...ofType('AWS::KMS::Key')])
      expect(resource, name).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    for (const [name, { Properties }] of ofType('AWS::DynamoDB::Table'))
      expect(Properties, name).toMatchObject({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      });
  });

  it('gives no role of a function a wildcard action, and `*` as resource only where nothing can be named', () => {
    const { Resources } = generatedResources() as unknown as Template;
    for (const [name, { Type, Properties }] of Object.entries(Resources)) {
      if (Type !== 'AWS::IAM::Role') continue;
      const [policy] = Properties['Policies'] as {
        PolicyDocument: { Statement: { Action: string[]; Resource: unknown }[] };
      }[];
      for (const { Action, Resource } of policy?.PolicyDocument.Statement ?? []) {
        expect(Action.join(), name).not.toContain('*');
        if (Resource === '*')
          expect(Action.join(), name).toMatch(
            /^(((identitystore|organizations|sso):(List|Describe)|logs:|xray:(Get|Put))\w+,?)+$/,
          );
      }
    }
  });

  it('is clean for cfn-lint, except where osls names a dependency twice', (context) => {
    const file = join(work, 'linted.json');
    // cfn-lint knows what a state machine calls in the partition `aws` alone, and sees no substitution.
    writeFileSync(file, JSON.stringify(template, undefined, 2).replaceAll(`arn:\${Partition}:`, 'arn:aws:'));
    const lint = spawnSync(
      'cfn-lint',
      // W3005: osls writes DependsOn beside GetAtt. W3037: cfn-lint does not know bedrock:GetAccountDataRetention yet.
      [
        '--ignore-checks',
        'W3005',
        'W3037',
        '--',
        file,
        ...readdirSync(join(ROOT, 'templates')).map((name) => join(ROOT, 'templates', name)),
      ],
      { encoding: 'utf8' },
    );
    if (lint.error !== undefined) return context.skip('cfn-lint is not installed (pip install cfn-lint)');
    expect(`${lint.stdout}${lint.stderr}`).toBe('');
  }, 120_000);
});
