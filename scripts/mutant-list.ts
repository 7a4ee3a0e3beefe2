/*
 * Deliberate faults in the product, each with the tests that must notice it (docs/soak.md). `from` stands exactly once in its file: when the
 * code moves on, the mutant is written anew, or its run fails. They need not satisfy the type checker; the tests run without it.
 */

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  /** What would go wrong in the world. */
  readonly breaks: string;
  /** The smallest test files that must notice it. */
  readonly tests: readonly string[];
  readonly edits: readonly Edit[];
}

const FAULTS = 'test/simulation/faults.test.ts';
const DETECTORS = 'test/simulation/detectors.test.ts';
const CRASH = 'test/simulation/crash.test.ts';
const GUARDS = 'test/simulation/guards.test.ts';
const FILTER = 'test/simulation/filter.test.ts';
const PLAN = 'test/enforcement/plan.test.ts';
const LEASE = 'test/exceptions/lease.test.ts';
const QUORUM = 'test/exceptions/quorum.test.ts';
const DECISIONS = 'test/exceptions/decisions.test.ts';
const WORKFLOWS = 'test/handlers/workflows.test.ts';
const PLACES = 'test/simulation/places.test.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'keeps records of others',
    breaks: 'prompts of people whom nobody named are kept for the readers',
    tests: ['test/filter/filter.test.ts', FILTER],
    edits: [
      {
        file: 'src/filter/filter.ts',
        from: "if (!isSubject(subjects, identityArn)) return 'others';",
        to: '',
      },
    ],
  },
  {
    name: 'drain deletes before it notes',
    breaks: 'a death in between loses records of subjects, or counts them never',
    tests: [FILTER],
    edits: [
      {
        file: 'src/enforcement/drain.ts',
        from: '  if (canonicalJson(after) !== canonicalJson(before)) {',
        to: '  if (gone.length > 0) await drainage.deleteRaw(place, places.bucketName, gone);\n  if (canonicalJson(after) !== canonicalJson(before)) {',
      },
    ],
  },
  {
    name: 'raw kept where filtering fails',
    breaks: 'prompts of everybody stay under a legal hold',
    tests: [FILTER],
    edits: [
      { file: 'src/enforcement/drain.ts', from: '    if (!isLast) throw error;', to: '    throw error;' },
    ],
  },
  {
    name: 'stale reading believed',
    breaks: 'off is noted although readings still show the setting',
    tests: ['test/cases/enable-disable-time.test.ts'],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: 'const isOff = readsAsOff(observed, lease.baseline, failure);',
        to: 'const isOff = failure === undefined;',
      },
    ],
  },
  {
    name: "no dead man's switch",
    breaks: 'detector 2 is missing',
    tests: [DETECTORS, FAULTS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: '    await services.schedules.create(schedule);\n    const readBack = await services.schedules.get(schedule.name);',
        to: '    const readBack: OneTimeSchedule | undefined = schedule;',
      },
    ],
  },
  {
    name: "dead man's switch not read back",
    breaks: 'a switch that was stored differently counts as armed',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: 'if (readBack === undefined || canonicalJson(readBack) !== canonicalJson(schedule)) {',
        to: 'if (readBack === null) {',
      },
    ],
  },
  {
    name: "dead man's switch needs the table",
    breaks: 'its own payload is not used',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/dead-mans-switch.ts',
        from: '    const { failure } = await putBaseline(services, payload, payload.baseline);',
        to: '    throw error;\n    const { failure } = await putBaseline(services, payload, payload.baseline);',
      },
    ],
  },
  {
    name: 'label instead of read-back',
    breaks: 'off is believed because it was asked for',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: 'const isOff = readsAsOff(observed, lease.baseline, failure);',
        to: 'const isOff = true;',
      },
    ],
  },
  {
    name: 'unreadable counted as off',
    breaks: 'unknown is green',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: "if (observed.kind !== 'observed') return observed.kind === 'absent';",
        to: "if (observed.kind !== 'observed') return true;",
      },
    ],
  },
  {
    name: 'approvals counted instead of principals',
    breaks: 'one person fills every role',
    tests: [QUORUM, DECISIONS],
    edits: [
      {
        file: 'src/exceptions/quorum.ts',
        from: 'if (counted.has(decision.principalId) || filled.has(decision.role)) continue;',
        to: 'if (filled.has(decision.role)) continue;',
      },
    ],
  },
  {
    name: 'requester counts',
    breaks: 'the requester approves their own request',
    tests: [QUORUM],
    edits: [
      {
        file: 'src/exceptions/quorum.ts',
        from: 'new Set<PrincipalId>([record.requesterId])',
        to: 'new Set<PrincipalId>()',
      },
    ],
  },
  {
    name: 'second decision accepted',
    breaks: 'one person decides twice',
    tests: [DECISIONS],
    edits: [{ file: 'src/exceptions/decide.ts', from: '  if (earlier) {', to: '  if (earlier === null) {' }],
  },
  {
    name: 'approval over another hash',
    breaks: 'what was shown is not what is approved',
    tests: [DECISIONS],
    edits: [
      {
        file: 'src/exceptions/decide.ts',
        from: 'if (input.subjectHash.length < 12 || !subject.startsWith(input.subjectHash)) {',
        to: 'if (input.subjectHash.length < 0) {',
      },
    ],
  },
  {
    name: 'rejection not terminal',
    breaks: 'a rejected request goes on',
    tests: [DECISIONS],
    edits: [
      {
        file: 'src/exceptions/decide.ts',
        from: '        state: rejected.value,',
        to: '        state: record.state,',
      },
    ],
  },
  {
    name: 'token as authority',
    breaks: 'being woken counts as being approved',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/approvals.ts',
        from: "  if (counted.kind === 'reached' && record.policyHashes",
        to: '  if (record.policyHashes',
      },
      {
        file: 'src/enforcement/approvals.ts',
        from: "if (!approved.ok || quorum(current).kind !== 'reached') return",
        to: 'if (!approved.ok) return',
      },
    ],
  },
  {
    name: 'eligibility not read at the start',
    breaks: 'the approval of somebody who left counts',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: 'quorum(record, people, ',
        to: 'quorum(record, undefined, ',
      },
    ],
  },
  {
    name: 'relative wait',
    breaks: 'a redrive or a retry moves the end',
    tests: [DETECTORS, WORKFLOWS],
    edits: [
      {
        file: 'workflows/prompt-storage-exception.asl.yml',
        from: '    Type: Wait\n    TimestampPath: $.tick.at',
        to: '    Type: Wait\n    Seconds: 86400',
      },
    ],
  },
  {
    name: 'inclusive end',
    breaks: 'a lease lives at its own end',
    tests: [LEASE],
    edits: [
      {
        file: 'src/exceptions/lease.ts',
        from: '  now < lease.expiresAt &&',
        to: '  now <= lease.expiresAt &&',
      },
    ],
  },
  {
    name: 'revocation without effect',
    breaks: 'a revoked lease stays active',
    tests: [LEASE, PLAN],
    edits: [
      {
        file: 'src/exceptions/lease.ts',
        from: '  lease.revoked === undefined &&\n  lease.released',
        to: '  lease.released',
      },
    ],
  },
  {
    name: 'sweeper that may loosen',
    breaks: "reconciliation puts the lease's configuration",
    tests: [DETECTORS, FAULTS],
    edits: [
      {
        file: 'src/enforcement/reconcile.ts',
        from: "      if (plan.why === 'unreadable-during-lease')\n",
        to: "      const wanted = row?.leases.find((one) => one.startsAt <= now && now < one.expiresAt);\n      if (wanted) await services.settings.putInvocationLogging(pair, wanted.configuration, 10_000);\n      if (plan.why === 'unreadable-during-lease')\n",
      },
    ],
  },
  {
    name: 'omitted flag not counted as on',
    breaks: 'an answer that leaves a flag out passes for off',
    tests: [LEASE],
    edits: [
      {
        file: 'src/exceptions/lease.ts',
        from: '(flag) => configuration[flag] !== false)',
        to: '(flag) => configuration[flag] === true)',
      },
    ],
  },
  {
    name: 'omitted flag within',
    breaks: 'an answer that leaves a flag out passes for approved',
    tests: [LEASE],
    edits: [
      {
        file: 'src/exceptions/lease.ts',
        from: 'observed[flag] === false || wanted[flag] === true',
        to: 'observed[flag] !== true || wanted[flag] === true',
      },
    ],
  },
  {
    name: 'large-data bucket not content',
    breaks: 'bodies in the large-data bucket are not seen',
    tests: [LEASE],
    edits: [
      {
        file: 'src/exceptions/lease.ts',
        from: '(flag) => configuration[flag] !== false) ||\n    largeData(configuration) !== undefined);',
        to: '(flag) => configuration[flag] !== false));',
      },
    ],
  },
  {
    name: 'retry on the enable Put',
    breaks: 'the enabling step is called again after an unknown outcome',
    tests: [GUARDS],
    edits: [
      {
        file: 'workflows/prompt-storage-exception.asl.yml',
        from: '    ResultPath: $.enabled\n    Catch:',
        to: '    ResultPath: $.enabled\n    Retry:\n      - ErrorEquals: [States.ALL]\n        MaxAttempts: 3\n    Catch:',
      },
    ],
  },
  {
    name: 'second Put after a lost answer',
    breaks: 'enabling is put again although it was attempted',
    tests: [CRASH, GUARDS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: '  if (attempted || next === undefined) throw new EnableAttempted(id);\n',
        to: '  if (next === undefined) throw new TypeError(id);\n',
      },
      {
        file: 'src/enforcement/enable.ts',
        from: '    next = leases.find(({ lease }) => lease.enabling === undefined);',
        to: '    next = leases.at(-1);',
      },
    ],
  },
  {
    name: 'slow Put not waited for',
    breaks: 'off is believed while a Put can still land',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: 'if (lease.enabling !== undefined && now <= lease.enabling.until) {',
        to: 'if (lease.enabling === null) {',
      },
    ],
  },
  {
    name: 'lease not read after the Put',
    breaks: 'a revocation that came meanwhile loses',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: 'if (after === undefined || !isActive(after, clock.now())) {',
        to: 'if (after === null) {',
      },
    ],
  },
  {
    name: 'lease not read before the Put',
    breaks: 'a Put is sent for a lease revoked since its intent',
    tests: [GUARDS],
    edits: [{ file: 'src/enforcement/enable.ts', from: '    !isActive(ready, sent) ||\n', to: '' }],
  },
  {
    name: "somebody's setting taken over",
    breaks: 'content storage of others at the start passes for ours',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: '  if (storesContent(seen))\n',
        to: '  if (storesContent(seen) && now < 0)\n',
      },
      {
        file: 'src/enforcement/enable.ts',
        from: "  if (kind === 'none' && seen !== undefined)",
        to: "  if (kind === 'none' && seen === null)",
      },
    ],
  },
  {
    name: 'next lease before the last is off',
    breaks: 'two leases are on at once',
    tests: [GUARDS, FAULTS],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: '  if (other) return wait(',
        to: '  if (other && now < 0) return wait(',
      },
    ],
  },
  {
    name: "trigger's instant ignored by reconciling",
    breaks: 'a slow clock keeps storage on',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/reconcile.ts',
        from: 'const now = clock > instant ? clock : instant;',
        to: 'const now = clock;',
      },
    ],
  },
  {
    name: 'waited time ignored by the workflow',
    breaks: 'a slow clock keeps storage on',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/review-tick.ts',
        from: 'return waited?.ok && waited.value > clock ? waited.value : clock;',
        to: 'return waited?.ok && waited.value < 0 ? waited.value : clock;',
      },
    ],
  },
  {
    name: 'no second listing',
    breaks: 'one empty listing is a proof',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/ending.ts',
        from: '  return first === undefined\n    ? { next',
        to: '  return first === null\n    ? { next',
      },
      {
        file: 'src/enforcement/ending.ts',
        from: 'last.at >= first.at + gap && now',
        to: 'last.at >= first.at && now',
      },
    ],
  },
  {
    name: 'listing failure counted as empty',
    breaks: 'a refused listing is a proof',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/purge.ts',
        from: 'versions.push(...(await destinations.listVersions(pair, bucketName, keyPrefix)).filter(isContent));',
        to: 'versions.push(...(await destinations.listVersions(pair, bucketName, keyPrefix).catch(() => [])).filter(isContent));',
      },
    ],
  },
  {
    name: 'delete markers ignored',
    breaks: 'a marker that hides a version passes for empty',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/purge.ts',
        from: 'listing.versions + listing.deleteMarkers + listing.uploads',
        to: 'listing.versions + listing.uploads',
      },
    ],
  },
  {
    name: 'uploads ignored in the listing',
    breaks: 'a half-sent object passes for empty',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/purge.ts',
        from: '    uploads += (await destinations.listUploads(pair, bucketName, keyPrefix)).length;',
        to: '    await destinations.listUploads(pair, bucketName, keyPrefix);',
      },
    ],
  },
  {
    name: 'uploads left standing',
    breaks: 'a half-sent object is never removed',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/purge.ts',
        from: '  if (uploads.length > 0) await destinations.abortUploads(pair, bucketName, uploads);\n',
        to: '',
      },
    ],
  },
  {
    name: 'permission marker by name alone',
    breaks: "content under the marker's name is left",
    tests: [FAULTS, GUARDS],
    edits: [{ file: 'src/enforcement/purge.ts', from: '  version.bytes > 0 || !version', to: '  !version' }],
  },
  {
    name: 'drain skipped',
    breaks: 'late deliveries arrive after the purge',
    tests: [FAULTS, GUARDS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: 'drainUntil: epochMs(allOffAt + drain)',
        to: 'drainUntil: epochMs(allOffAt + 0 * drain)',
      },
    ],
  },
  {
    name: 'revoke that consults the policy',
    breaks: 'switching off waits for a policy that can be read',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/revoke.ts',
        from: '  const revoked = await revokeLease(',
        to: '  await services.policyInForce.current();\n  const revoked = await revokeLease(',
      },
    ],
  },
  {
    name: 'cap not checked in the write',
    breaks: 'two exceptions approved at one moment both have the window',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/exceptions/reserve.ts',
        from: "({ holds }) => holds !== 'met');",
        to: "({ holds }) => holds === 'undecided');",
      },
    ],
  },
  {
    name: 'several places: reserve not all or none',
    breaks: 'the windows of all places are taken although only that of the first was looked at',
    tests: [PLACES],
    edits: [
      {
        file: 'src/exceptions/reserve.ts',
        from: 'windowConditions({ request, policy, rows, now })',
        to: 'windowConditions({ request, policy, rows: rows.slice(0, 1), now })',
      },
    ],
  },
  {
    name: 'several places: one of several left on',
    breaks: 'a revocation reaches the first place alone',
    tests: [PLACES],
    edits: [
      {
        file: 'src/exceptions/revoke.ts',
        from: 'rows: withLeases(rows, id, (lease) =>\n        lease.revoked === undefined &&',
        to: 'rows: withLeases(rows, id, (lease, place) =>\n        place.accountId === record.request.accountId && place.region === record.request.region && lease.revoked === undefined &&',
      },
    ],
  },
  {
    name: 'several places: the others wait for somebody to come by',
    breaks: 'what ends one place switches off no other',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/reconcile.ts',
        from: '  if (!hasSeveralPlaces(record.request)) return [];',
        to: '  if (record !== undefined) return [];',
      },
    ],
  },
  {
    name: 'several places: off with the first',
    breaks: 'the exception drains while a place is still on',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: '      left.length > 0\n',
        to: '      left.length > 99\n',
      },
    ],
  },
  {
    name: "several places: one dead man's switch for all",
    breaks: 'detector 2 is missing at every further place',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: 'for (const { lease, ...place } of leases) {\n    const at = ceilToMinute',
        to: 'for (const { lease, ...place } of leases.slice(0, 1)) {\n    const at = ceilToMinute',
      },
    ],
  },
  {
    name: 'several places: the first alone is listed',
    breaks: 'content at a further place passes for gone',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/ending.ts',
        from: 'const locations: string[] = [];\n  for (const [index, { lease, ...place }] of leases.entries()) {',
        to: 'const locations: string[] = [];\n  for (const [index, { lease, ...place }] of leases.slice(0, 1).entries()) {',
      },
    ],
  },
  {
    name: 'several places: active with the first',
    breaks: 'the exception counts as on, and is watched, before all of it is on',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/enable.ts',
        from: "left.length > 0 ? 'enable' : 'wait'",
        to: "left.length > 99 ? 'enable' : 'wait'",
      },
    ],
  },
  {
    name: 'several places: what was off and comes on again waits for the rest',
    breaks: 'while one place cannot be switched off, another stays on',
    tests: [PLACES],
    edits: [
      {
        file: 'src/exceptions/lifecycle.ts',
        from: "    from: ['ending', 'draining', 'purging'],\n    to: 'ending',",
        to: "    from: ['draining', 'purging'],\n    to: 'ending',",
      },
    ],
  },
  {
    name: 'window given back while enabling',
    breaks: 'an exception that was attempted ends without a purge',
    tests: [CRASH, FAULTS, GUARDS],
    edits: [
      {
        file: 'src/exceptions/revoke.ts',
        from: '    if (isAttempted(leasesOf(rows, id))) {\n      return err({',
        to: '    if (record === null) {\n      return err({',
      },
    ],
  },
  {
    name: 'contest not kept where the table refuses it',
    breaks: 'what others stored during a lease is forgotten by the next process, and closed as proven',
    tests: ['test/simulation/interference.test.ts'],
    edits: [
      {
        file: 'src/enforcement/contest.ts',
        from: '  const noted = await history.told(contestKey(id, pair));',
        to: '  const noted = undefined;',
      },
    ],
  },
  {
    name: 'contest not kept where the table cannot be read',
    breaks:
      'the dead man’s switch wipes out the only trace of what others stored, and it is closed as proven',
    tests: ['test/simulation/interference.test.ts'],
    edits: [
      {
        file: 'src/enforcement/dead-mans-switch.ts',
        from: '    const noting = noteUnleased(services, payload, payload.exceptionId, before, actor);\n',
        to: '    const noting = undefined;\n',
      },
    ],
  },
  {
    name: 'closed without asking the events',
    breaks: 'the certificate leaves out what others stored, although the record of events holds it',
    tests: ['test/simulation/interference.test.ts'],
    edits: [
      {
        file: 'src/enforcement/ending.ts',
        from: '  await markNoted(services, id);\n',
        to: '',
      },
    ],
  },
  {
    name: 'contested not marked',
    breaks: 'what others stored during a lease is forgotten',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/exceptions/revoke.ts',
        from: '  contested === undefined || record.contested !== undefined ? record : { ...record, contested };',
        to: '  record;',
      },
    ],
  },
  {
    name: 'foreign setting at the end not looked for',
    breaks: 'the baseline wipes out the only trace of it',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: '  await noteForeign(services, pair, present, before, actor);\n',
        to: '',
      },
    ],
  },
  {
    name: 'proof not started over',
    breaks: 'content storage on again after off leaves the proof standing',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/plan.ts',
        from: '    if (disturbed) return',
        to: '    if (disturbed && now < 0) return',
      },
      {
        file: 'src/enforcement/ending.ts',
        from: '    await reopen(services, id, place, ending);\n    isOn = true;',
        to: '    isOn = false;',
      },
    ],
  },
  {
    name: 'outbox dropped',
    breaks: 'a death between commit and record loses the event',
    tests: [CRASH],
    edits: [
      {
        file: 'src/exceptions/records.ts',
        from: '          pending.length === 0 ? changed.value.record : { ...changed.value.record, outbox: pending },',
        to: '          changed.value.record,',
      },
    ],
  },
  {
    name: 'overdue not said',
    breaks: 'what cannot be switched off stays silent',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: '    const since = await recordOverdue(services, pair, subject, actor, now);\n',
        to: '    const since = now;\n',
      },
    ],
  },
  {
    name: 'baseline without a fallback',
    breaks: 'metadata-only that cannot be put leaves content on',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: '        await settings.deleteInvocationLogging(pair);\n        return {',
        to: '        return {',
      },
    ],
  },
  {
    name: 'stopped workflow unnoticed',
    breaks: 'nobody watches a lease whose workflow was stopped',
    tests: [DETECTORS],
    edits: [
      {
        file: 'src/enforcement/sweep.ts',
        from: 'if (!(await hasStoppedEarly(services, record, leases, now))) return;',
        to: 'if (now > 0) return;',
      },
    ],
  },
  {
    name: 'one fault stops the sweep',
    breaks: 'an exception that cannot be looked at keeps all others on',
    tests: [GUARDS],
    edits: [
      {
        file: 'src/enforcement/sweep.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the code itself
        from: '      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);',
        to: '      throw error;',
      },
    ],
  },
  {
    name: 'retention from the confirmation',
    breaks: 'content whose Put was not answered has no clock',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/exceptions/standing.ts',
        from: 'const since = record.enabledAt ?? enablingSince(leases);',
        to: 'const since = record.enabledAt;',
      },
    ],
  },
  {
    name: 'a loosening reaches back',
    breaks: 'a looser policy takes roles from a pending request',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/rejudge.ts',
        from: '[...new Set([...current.requiredRoles, ...named])]',
        to: '[...named]',
      },
    ],
  },
  {
    name: 'hold blocks off',
    breaks: 'a legal hold keeps content storage on (OFF_NEEDS_NOTHING)',
    tests: ['test/simulation/hold.test.ts'],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: '  const read = await presentLease(services, pair, subject);\n',
        to: `  const read = await presentLease(services, pair, subject);
  const holds = (await readException(services.store, subject))?.value.holds ?? [];
  if (holds.some(({ released }) => released === undefined))
    return { isOff: false, isSettled: false, retryAt: epochMs(clock.now() + FIRST_RETRY), says: 'on hold' };\n`,
      },
    ],
  },
  {
    name: 'our own call named as theirs',
    breaks: 'people are sent after our own role, and the other party goes unnamed',
    tests: ['test/simulation/interference.test.ts'],
    edits: [
      {
        file: 'src/enforcement/interference.ts',
        from: '  OWN_ROLE.exec(by)?.[1] === accountId;',
        to: "  OWN_ROLE.exec(by)?.[1] === accountId && by === '';",
      },
    ],
  },
  {
    name: 'group commit drops one',
    breaks: 'the last of several commits of one turn is acknowledged and never written (NOTHING_LOST)',
    tests: ['test/adapters/embedded/record-store-memory.test.ts', 'test/runtime/together.test.ts'],
    edits: [
      {
        file: 'src/adapters/embedded/record-store.ts',
        from: 'batch.map((writes) =>\n        settle(',
        to: "batch.map((writes, index) =>\n        index > 0 && index === batch.length - 1 ? { ok: true as const, value: 'committed' as const } : settle(",
      },
    ],
  },
  {
    name: 'an outcome dropped from a shared commit',
    breaks: 'with many executions at once a function that has run is called again',
    tests: ['test/runtime/together.test.ts'],
    edits: [
      {
        file: 'src/runtime/engine.ts',
        from: 'called.map((one) => () => this.#take(one))',
        to: 'called.slice(0, Math.max(1, called.length - 1)).map((one) => () => this.#take(one))',
      },
    ],
  },
  {
    name: 'hold: an earlier vault is emptied under a later hold',
    breaks: 'what a released hold had moved is purged while another hold stands (HELD)',
    tests: ['test/simulation/hold.test.ts'],
    edits: [
      {
        file: 'src/exceptions/lifecycle.ts',
        from: '  isHeld(record) ? [] : (record.holds ?? []).flatMap(',
        to: '  (record.holds ?? []).filter(({ released }) => released !== undefined).flatMap(',
      },
    ],
  },
  {
    name: 'hold: a release waits for an ending that sleeps',
    breaks: 'the vaults are purged up to a day after Legal let go',
    tests: ['test/simulation/hold.test.ts'],
    edits: [
      {
        file: 'src/enforcement/hold.ts',
        from: "record.state === 'purging' ? { proofRestarts: (record.proofRestarts ?? 0) + 1 } : {};",
        to: '{};',
      },
    ],
  },
  {
    name: 'hold: a vault that refuses is passed over',
    breaks: 'the purge goes on although one of several vaults took nothing',
    tests: [PLACES],
    edits: [
      {
        file: 'src/enforcement/hold-vault.ts',
        from: '  if (stuck.length > 0) {',
        to: '  if (stuck.length === leases.length) {',
      },
    ],
  },
  {
    name: 'hold: a log group may go before its last reading',
    breaks: 'events that came late with an early time are deleted with the log group and are in no vault',
    tests: ['test/enforcement/held-events.test.ts'],
    edits: [
      {
        file: 'src/enforcement/held-events.ts',
        from: '      mayDelete: isLast,',
        to: '      mayDelete: true,',
      },
    ],
  },
  {
    name: 'hold: what was written is not read back',
    breaks: 'a log group is deleted whose events stand in no readable object',
    tests: ['test/simulation/hold.test.ts'],
    edits: [
      {
        file: 'src/enforcement/held-events.ts',
        from: 'const back = await this.#copies.readPart(this.#pair, bucketName, key);',
        to: 'const back: Uint8Array | undefined = part.body;',
      },
    ],
  },
  {
    name: 'hold: an earlier quiet time counts for a later one',
    breaks: 'a log group that received again is deleted without being read from the first event on',
    tests: ['test/enforcement/held-events.test.ts'],
    edits: [
      {
        file: 'src/enforcement/held-events.ts',
        from: 'reading?.checked?.drainUntil === drainUntil ? reading?.checked?.until : undefined;',
        to: 'reading?.checked?.until;',
      },
    ],
  },
  {
    name: 'hold: looked at before what must end',
    breaks: 'a large log group on hold keeps the content storage of others on (OFF_NEEDS_NOTHING)',
    tests: ['test/simulation/hold.test.ts'],
    edits: [
      {
        file: 'src/enforcement/sweep.ts',
        from: '  for (const record of exceptions) await attempt(record.id, () => sweepException(services, record, now));',
        to: `  await keepAllHeld(services, exceptions.filter((record) => isHeld(record)).map(({ id }) => id), sweeper, attempt);
  for (const record of exceptions) await attempt(record.id, () => sweepException(services, record, now));`,
      },
    ],
  },
  {
    name: 'hold: the vault of the first place stands for all',
    breaks: 'what was moved is purged at the first of several places alone',
    tests: [PLACES],
    edits: [
      { file: 'src/enforcement/ending.ts', from: 'moved?.mayDelete[index] ??', to: 'moved?.mayDelete[0] ??' },
    ],
  },
  {
    name: 'no pause between two tries',
    breaks: 'switching off that is refused for days ends with the history of its execution',
    tests: [FAULTS],
    edits: [
      {
        file: 'src/enforcement/switch-off.ts',
        from: 'const LAST_RETRY = durationMs(5 * MINUTE);',
        to: 'const LAST_RETRY = FIRST_RETRY;',
      },
    ],
  },
];
