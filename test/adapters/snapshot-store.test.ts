import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSnapshot, writeSnapshot } from '../../src/adapters/files/index.ts';
import { formatSnapshotProblem } from '../../src/evidence/index.ts';
import { MEMBER, snapshot } from '../evidence/snapshots.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'proviso-snapshot-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const dir = (name = 'snapshot') => join(base, name);

describe('a snapshot folder', () => {
  it('reads back what was written, and leaves nothing else beside it', async () => {
    const of = snapshot({ leases: [{ exceptionId: 'ex-1' }] });
    expect(await writeSnapshot(dir(), of)).toEqual({ ok: true, value: { files: 6 } });
    expect(await readSnapshot(dir())).toEqual({ ok: true, value: of });
    expect(await readdir(base)).toEqual(['snapshot']);
  });

  it('replaces an earlier snapshot as a whole', async () => {
    await writeSnapshot(dir(), snapshot({ leases: [] }));
    await writeSnapshot(dir(), snapshot());
    const read = await readSnapshot(dir());
    expect(read).toEqual({ ok: true, value: snapshot() });
    expect(await readdir(base)).toEqual(['snapshot']);
  });

  it('keeps the earlier snapshot when writing fails', async () => {
    await writeSnapshot(dir(), snapshot());
    const unprintable = snapshot({ leases: { n: 1n } });
    expect(await writeSnapshot(dir(), unprintable)).toMatchObject({ ok: false });
    expect(await readSnapshot(dir())).toEqual({ ok: true, value: snapshot() });
    expect(await readdir(base)).toEqual(['snapshot']);
  });

  it.each<[string, () => Promise<void>]>([
    ['a folder of something else', () => writeFile(join(dir(), 'thesis.txt'), 'years of work')],
    ['a folder with another organization.json', () => writeFile(join(dir(), 'organization.json'), '{"a":1}')],
    [
      'a snapshot beside which somebody keeps attestations',
      async () => {
        await writeSnapshot(dir(), snapshot());
        await mkdir(join(dir(), 'attestations'));
        await writeFile(join(dir(), 'attestations', 'a.json'), '{}');
      },
    ],
  ])('does not overwrite %s', async (_name, arrange) => {
    await mkdir(dir());
    await arrange();
    const before = await readdir(dir(), { recursive: true });
    const written = await writeSnapshot(dir(), snapshot());
    expect(written).toMatchObject({ ok: false, error: [{ code: 'unexpected-file', file: dir() }] });
    expect(await readdir(dir(), { recursive: true })).toEqual(before);
  });

  it('does not overwrite a file', async () => {
    await writeFile(dir(), 'a file');
    expect(await writeSnapshot(dir(), snapshot())).toMatchObject({ ok: false });
    expect(await readFile(dir(), 'utf8')).toBe('a file');
  });
});

describe('a folder that cannot be read as a snapshot', () => {
  it('that is not there is named with its file', async () => {
    const read = await readSnapshot(dir('nowhere'));
    expect(read).toMatchObject({
      ok: false,
      error: [{ code: 'snapshot-missing', file: dir('nowhere/organization.json') }],
    });
    expect(read.ok ? '' : read.error.map(formatSnapshotProblem).join('')).toContain('proviso collect');
  });

  it('that was cut off is named with its file', async () => {
    await writeSnapshot(dir(), snapshot());
    const file = join(dir(), 'accounts', MEMBER, 'eu-central-1.json');
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, -20));
    expect(await readSnapshot(dir())).toMatchObject({ ok: false, error: [{ code: 'not-json', file }] });
  });

  it('that points elsewhere by a link is not followed', async () => {
    await writeSnapshot(dir(), snapshot());
    const file = join(dir(), 'accounts', MEMBER, 'account.json');
    await rm(file);
    await symlink('/etc/passwd', file);
    const read = await readSnapshot(dir());
    expect(read).toMatchObject({ ok: false, error: [{ code: 'unreadable', file }] });
    expect(JSON.stringify(read)).not.toContain('root:');
  });

  it.skipIf(process.getuid?.() === 0)('with a folder that may not be listed is not a clean one', async () => {
    await writeSnapshot(dir(), snapshot());
    const folder = join(dir(), 'accounts', MEMBER);
    await chmod(folder, 0o000);
    const read = await readSnapshot(dir());
    await chmod(folder, 0o700);
    expect(read).toMatchObject({ ok: false, error: [{ code: 'unreadable', file: folder }] });
  });

  it('but with a README, hidden files and attestations is one', async () => {
    await writeSnapshot(dir(), snapshot());
    await writeFile(join(dir(), 'README.md'), 'what is planted where');
    await writeFile(join(dir(), 'accounts', '.DS_Store'), '');
    await mkdir(join(dir(), 'attestations'));
    expect(await readSnapshot(dir())).toEqual({ ok: true, value: snapshot() });
  });
});
