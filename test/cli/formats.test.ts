import { Parser } from 'commonmark';
import { HtmlValidate } from 'html-validate';
import { describe, expect, test } from 'vitest';
import { readEstate } from '../../src/cli/estate.ts';
import { REPORT_FORMATS, type ReportFormat } from '../../src/cli/report/formats.ts';
import { parseEarlierReport } from '../../src/cli/report/history.ts';
import { epochMs } from '../../src/core/index.ts';
import type { Finding } from '../../src/rules/index.ts';
import { expectGolden } from './golden.ts';
import { ocsfFaults, readAsff, readCsv, readJunit, sarifFaults } from './grammars/grammars.ts';
import { run, testContext } from './harness.ts';
import { render, type WholeView } from './rendered.ts';

const EXAMPLE = ['check', '--snapshot', 'examples/organization'] as const;
/** Violations, unknowns, compliant and not applicable ones, few enough for a person to read. */
const FEW = [
  '--control',
  'CP-03',
  '--control',
  'RB-02',
  '--account',
  '888888888888',
  '--account',
  '131313131313',
];

const EXTENSIONS = {
  text: 'txt',
  json: 'json',
  ndjson: 'ndjson',
  csv: 'csv',
  markdown: 'md',
  html: 'html',
  sarif: 'sarif',
  ocsf: 'ocsf.json',
  asff: 'asff.json',
  junit: 'xml',
} as const satisfies Record<ReportFormat, string>;

/** Checked once: the views below differ in what is made of it. */
const example = readEstate({ policy: 'policies/', snapshot: 'examples/organization' }, testContext());
async function exampleView(change: (finding: Finding) => Finding = (finding) => finding): Promise<WholeView> {
  const { report, policy, snapshot } = await example;
  return {
    report: { ...report, findings: report.findings.map(change) },
    organizationId: snapshot.organization.id,
    policy,
    attestations: [],
    version: '0.0.0',
  };
}
describe('as it was last read by a person:', () => {
  test.each(REPORT_FORMATS)('%s', async (format) => {
    const { stdout, stderr } = await run([...EXAMPLE, ...FEW, '--format', format]);
    expect(stderr).toBe('');
    // The page's style and script would drown what is of this report.
    const text = format === 'html' ? stdout.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>') : stdout;
    await expectGolden(text.replace(/sha256-[A-Za-z0-9+/=]+/g, 'sha256-'), `check-few.${EXTENSIONS[format]}`);
  });
});

describe('by its grammar:', () => {
  test('SARIF 2.1.0, and the schema refuses what is wrong', async () => {
    const text = render('sarif', await exampleView());
    expect(sarifFaults(text)).toEqual([]);
    expect(sarifFaults(text.replace('"level": "error"', '"level": "fatal"'))).not.toEqual([]);
    expect(sarifFaults(text.replaceAll('"message"', '"massage"'))).not.toEqual([]);
  });

  test('OCSF compliance findings, and the schema refuses what is wrong', async () => {
    const text = render('ocsf', await exampleView());
    expect(ocsfFaults(text)).toEqual([]);
    expect(ocsfFaults(text.replace('"class_uid": 2003', '"class_uid": 2004'))).not.toEqual([]);
    for (const event of JSON.parse(text))
      expect(event.type_uid).toBe(event.class_uid * 100 + event.activity_id);
  });

  test('ASFF within the published limits, whatever length the texts have', async () => {
    const long = 'x'.repeat(5_000);
    const view = await exampleView((finding) => ({
      ...finding,
      title: long,
      message: long,
      remedy: `${'y'.repeat(508)}\u{1f4a9}\u{1f4a9}`,
      evidence: [long],
    }));
    const findings = readAsff(render('asff', view));
    expect(findings.length).toBeGreaterThan(10);
    expect(findings[0]?.Remediation.Recommendation.Text.isWellFormed()).toBe(true);
    expect(readAsff(render('asff', await exampleView()))).toHaveLength(findings.length);
  });

  test('JUnit, with true counts', async () => {
    const view = await exampleView();
    const text = render('junit', view);
    readJunit(text);
    const { counts, findings } = view.report;
    expect(text).toContain(
      `tests="${findings.length}" failures="${counts['non-compliant']}" errors="${counts.indeterminate}" skipped="${counts.covered + counts['not-applicable']}"`,
    );
    expect(text.match(/<failure/g)).toHaveLength(counts['non-compliant']);
    expect(text.match(/<error/g)).toHaveLength(counts.indeterminate);
    expect(() => readJunit(text.replace('<testcase ', '<testcase oops="1" '))).toThrow();
  });

  test('CSV with one row for each finding', async () => {
    const view = await exampleView();
    const rows = readCsv(render('csv', view));
    expect(rows.map((row) => row['finding'])).toEqual(view.report.findings.map(({ id }) => id));
    expect(rows.every((row) => row['standing'] !== '')).toBe(true);
  });

  test('NDJSON with one value a line, the report first', async () => {
    const view = await exampleView();
    const lines = render('ndjson', view)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0].kind).toBe('CheckReport');
    expect(lines.slice(1).map(({ id }) => id)).toEqual(view.report.findings.map(({ id }) => id));
  });

  test('HTML without a fault', async () => {
    const validator = new HtmlValidate({
      extends: ['html-validate:standard'],
      // A scrolling region must be reachable by keyboard, and XHTML's slashes are a matter of taste.
      rules: { 'void-style': 'off', 'no-trailing-whitespace': 'off' },
    });
    const report = await validator.validateString(render('html', await exampleView()));
    expect(
      report.results.flatMap(({ messages }) =>
        messages.map(({ ruleId, message }) => `${ruleId}: ${message}`),
      ),
    ).toEqual([]);
  });

  test('Markdown of headings, lists, code and nothing else', async () => {
    expect(markupIn(render('markdown', await exampleView()))).toEqual(
      new Set(['document', 'heading', 'paragraph', 'text', 'softbreak', 'list', 'item', 'strong', 'code']),
    );
  });
});

/** The kinds of nodes a Markdown reader makes of a text. */
function markupIn(text: string): Set<string> {
  const walker = new Parser().parse(text).walker();
  const kinds = new Set<string>();
  for (let step = walker.next(); step !== null; step = walker.next()) kinds.add(step.node.type);
  return kinds;
}

describe('every finding that is not fine says what was called and when:', () => {
  test.each(REPORT_FORMATS)('%s', async (format) => {
    const { stdout } = await run([
      ...EXAMPLE,
      '--control',
      'CP-03',
      '--account',
      '888888888888',
      '--format',
      format,
    ]);
    expect(stdout.replace(/\s+/g, ' ')).toContain('bedrock:GetAccountDataRetention');
    expect(stdout).toContain('2026-11-20T08:00:00Z');
  });
});

describe('a covered violation, against an earlier run', () => {
  const until = epochMs(Date.UTC(2026, 11, 1));
  const coveredView = async (): Promise<WholeView> => {
    const before = await exampleView((finding) =>
      finding.controlId === 'CP-03' ? { ...finding, outcome: 'compliant' } : finding,
    );
    const { findings } = before.report;
    const counts = { ...before.report.counts, compliant: findings.length };
    const none = { 'non-compliant': 0, indeterminate: 0, covered: 0, 'not-applicable': 0 };
    const earlier = parseEarlierReport(
      render('json', { ...before, report: { ...before.report, counts: { ...counts, ...none } } }),
    );
    if (!earlier.ok) throw new Error(earlier.error);
    const view = await exampleView((finding) =>
      finding.controlId === 'RB-03' && finding.outcome === 'non-compliant'
        ? {
            ...finding,
            coveredBy: {
              kind: 'attestation',
              attestationId: 'a-1',
              document: '=cmd <b>|x|</b>\u202e',
              signer: 'sam',
              until,
            },
          }
        : finding,
    );
    return { ...view, earlier: earlier.value };
  };

  test('is sound in every format, and said in each', async () => {
    const view = await coveredView();
    const sarif = render('sarif', view);
    expect(sarifFaults(sarif)).toEqual([]);
    expect(sarif).toContain('"suppressions"');
    expect(sarif).toContain('"baselineState": "new"');
    const ocsf = render('ocsf', view);
    expect(ocsfFaults(ocsf)).toEqual([]);
    expect(ocsf).toContain('"Suppressed"');
    const asff = readAsff(render('asff', view)).filter(({ Workflow }) => Workflow.Status === 'SUPPRESSED');
    expect(asff.map(({ Note }) => Note?.Text)).toEqual([
      'covered by attestation a-1 (=cmd <b>|x|</b>\\u202e, signed by sam) until 2026-12-01T00:00:00Z',
    ]);
    const junit = render('junit', view);
    readJunit(junit);
    expect(junit).toContain('<skipped message="covered by attestation a-1');
    const covered = readCsv(render('csv', view)).filter((row) => row['standing'] === 'covered');
    expect(covered.map((row) => row['covered_until'])).toEqual(['2026-12-01T00:00:00Z']);
    expect(markupIn(render('markdown', view))).not.toContain('html_inline');
    expect(render('html', view)).not.toContain('<b>');
  });
});

const HOSTILE = {
  formula: '=HYPERLINK("https://x.example","y")',
  'full-width formula': '\uff1d1+1',
  'formula after a semicolon': 'a; =1+1',
  'formula after a space': ' +1',
  markup: `</script><img src=x onerror=alert(1)>"'&]]>--><!--`,
  'terminal escapes': '\u001b[2J\u009b2J\u0007\r\n',
  'other direction': 'a\u202eb\u2066c\u200b',
  'a link': '[x](javascript:alert(1)) ![y](z) https://evil.example www.evil.example <b@c.example> @team #1',
  'Markdown structure': '# head\n- item\n| cell | `` ` `` ***x*** ~~y~~ \\',
  'half a character': 'a\ud800b\ufffe\uffff',
} as const;

describe.each(Object.entries(HOSTILE))('a name with %s', (_name, hostile) => {
  const hostileView = async (): Promise<WholeView> => {
    const view = await exampleView((finding) => ({
      ...finding,
      title: hostile,
      accountName: hostile,
      message: hostile,
      remedy: `\`${hostile}\``,
      evidence: [hostile, `bucket \`${hostile}\``],
      subject:
        finding.subject.kind === 'principal'
          ? { ...finding.subject, arn: `arn:aws:iam::666666666666:role/${hostile}` }
          : finding.subject,
    }));
    const { report } = view;
    return {
      ...view,
      report: { ...report, byControl: report.byControl.map((each) => ({ ...each, title: hostile })) },
    };
  };

  test.each(REPORT_FORMATS.filter((format) => format !== 'json'))(
    'shows itself and steers nothing in %s',
    async (format) => {
      const text = render(format, await hostileView());
      expect(text).not.toMatch(
        /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/,
      );
      expect(text.isWellFormed()).toBe(true);
    },
  );

  test('is text in CSV', async () => {
    for (const row of readCsv(render('csv', await hostileView())))
      for (const cell of Object.values(row)) {
        expect(cell).not.toMatch(/^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/);
        expect(cell).not.toMatch(/;\s*[=+\-@]/);
      }
  });

  test('is neither markup nor link in Markdown', async () => {
    const kinds = markupIn(render('markdown', await hostileView()));
    for (const kind of ['html_inline', 'html_block', 'link', 'image', 'emph', 'thematic_break', 'code_block'])
      expect(kinds).not.toContain(kind);
  });

  test('leaves SARIF, OCSF, ASFF, JUnit and NDJSON sound', async () => {
    const view = await hostileView();
    expect(sarifFaults(render('sarif', view))).toEqual([]);
    expect(ocsfFaults(render('ocsf', view))).toEqual([]);
    readAsff(render('asff', view));
    readJunit(render('junit', view));
    const [, line = ''] = render('ndjson', view).split('\n');
    expect(JSON.parse(line).accountName).toBe(hostile);
  });
});

test('names stay exact in JSON, also those that are no text', async () => {
  const view = await exampleView((finding) => ({ ...finding, accountName: HOSTILE['other direction'] }));
  expect(JSON.parse(render('json', view)).findings[0].accountName).toBe(HOSTILE['other direction']);
  const half = await exampleView((finding) => ({ ...finding, accountName: HOSTILE['half a character'] }));
  expect(JSON.parse(render('json', half)).findings).toHaveLength(half.report.findings.length);
});
