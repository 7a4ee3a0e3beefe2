import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * What the collectors can ask of AWS, from their own code: every file that `evidence-sources.ts` reaches inside the adapters, and every
 * `...Command` of the SDK that is imported there.
 */
const ADAPTERS = new URL('../../src/adapters/aws/', import.meta.url).pathname;

/** Beginnings of operations that change nothing. */
const READS = ['Get', 'List', 'Describe', 'Lookup', 'BatchGet', 'Head'];
/** To be somebody in a member account; neither writes. */
const IDENTITY = ['AssumeRoleCommand'];

function reached(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, path = ''] of text.matchAll(/from '(\.\/[^']+\.ts)'/g)) reached(join(file, '..', path), seen);
  return seen;
}

/** A query of CloudWatch Logs has to be started; it changes nothing, and only an opt-in section starts one. */
const QUERIES = ['StartQueryCommand'];
/** No SDK client knows this endpoint: the file signs its own requests, and sends GET only. */
const SIGNS_ITSELF = 'aws/bedrock-mantle.ts';

function commandsOf(text: string): readonly string[] {
  const imports = [...text.matchAll(/import (?!type)([^;]*?) from '@aws-sdk\/[^']+'/g)];
  return imports.flatMap(([, names = '']) =>
    names
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => /^\w+Command$/.test(name)),
  );
}

const offences = (commands: readonly string[]): readonly string[] =>
  commands.filter(
    (name) =>
      !IDENTITY.includes(name) &&
      !QUERIES.includes(name) &&
      !READS.some((prefix) => new RegExp(`^${prefix}[A-Z]`).test(name)),
  );

describe('what the collectors ask of AWS', () => {
  const files = [...reached(join(ADAPTERS, 'evidence-sources.ts'))];
  const commands = files.flatMap((file) => commandsOf(readFileSync(file, 'utf8')));

  test('is found in the code: the settings, IAM and the organization among it', () => {
    for (const name of [
      'GetModelInvocationLoggingConfigurationCommand',
      'GetAccountAuthorizationDetailsCommand',
      'ListAccountsCommand',
      'AssumeRoleCommand',
    ])
      expect(commands).toContain(name);
  });

  test('changes nothing', () => {
    expect(offences(commands)).toEqual([]);
  });

  test('would be noticed if it did', () => {
    const text = "import { BedrockClient, PutThingCommand, type X } from '@aws-sdk/client-bedrock';";
    expect(offences(commandsOf(text))).toEqual(['PutThingCommand']);
    expect(offences(['GetterSetCommand', 'DescriberCommand', 'DeleteX'])).not.toEqual([]);
  });

  test('and the one endpoint without a client is asked with GET alone', () => {
    const text = readFileSync(join(ADAPTERS, 'bedrock-mantle.ts'), 'utf8');
    expect([...text.matchAll(/method: '([A-Z]+)'/g)].map(([, method]) => method)).toEqual(['GET']);
    // What is sent has no method of its own, so it is a GET as it was signed.
    expect(text).not.toMatch(/body:|method(?!: 'GET')\s*:/);
  });

  test('goes through the SDK: nothing of the collectors signs or sends a request by itself', () => {
    const others = files.filter((file) => !file.endsWith(SIGNS_ITSELF));
    expect(others).toHaveLength(files.length - 1);
    for (const file of others) {
      const text = readFileSync(file, 'utf8');
      expect(text, relative(ADAPTERS, file)).not.toMatch(
        /\bfetch\((['"`]|url|new URL)|node:https?'|SignatureV4/,
      );
      // One place looks into the clients' own steps: it makes a call wait for its turn, and changes nothing of it.
      if (!file.endsWith('clients.ts'))
        expect(text, relative(ADAPTERS, file)).not.toMatch(/\.middlewareStack/);
    }
  });
});
