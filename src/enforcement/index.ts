export * from './acts.ts';
export * from './adopt.ts';
export * from './approvals.ts';
export * from './backup.ts';
export * from './dead-mans-switch.ts';
export * from './destination.ts';
export * from './detect.ts';
export * from './drain.ts';
export * from './drift.ts';
export * from './enable.ts';
export * from './ending.ts';
export {
  type AdoptedSetting,
  adoptForeign,
  describeSetting,
  type EnforcementPlan,
  type EnforceTrigger,
  enforcedKey,
  enforcePair,
  enforcesAnywhere,
  type ForeignSetting,
  type GovernedPair,
  governedPairs,
  listAdopted,
  listForeign,
  observeSetting,
  type PlannedSetting,
  PlanUnfinished,
  planEnforcement,
  type RestoreDocument,
  restoreDocument,
} from './enforce.ts';
export * from './figures.ts';
export * from './hold.ts';
export * from './hold-vault.ts';
export * from './interference.ts';
export * from './invokers.ts';
export * from './key-material.ts';
export * from './plan.ts';
export * from './ports.ts';
export { type Preview, previewRequest, type Surroundings, surroundingsOf } from './preview.ts';
export * from './purge.ts';
export * from './reads.ts';
export * from './reconcile.ts';
export * from './rejudge.ts';
export { reminderTimes } from './remind.ts';
export * from './request.ts';
export * from './review-tick.ts';
export * from './revoke.ts';
export * from './second-lever.ts';
export * from './start-ending.ts';
export { type SweepReport, sweep } from './sweep.ts';
export {
  describeConfiguration,
  describeObserved,
  type SwitchOffResult,
  scheduleName,
  switchOff,
} from './switch-off.ts';
export * from './unit-path.ts';
export * from './wake.ts';
