import type { Services } from '../src/enforcement/index.ts';
import * as api from './api.ts';
import * as armDeadMansSwitch from './arm-dead-mans-switch.ts';
import * as beginEnding from './begin-ending.ts';
import * as beginScan from './begin-scan.ts';
import * as closeException from './close-exception.ts';
import * as configResources from './config-resources.ts';
import * as configSettings from './config-settings.ts';
import * as confirmEnabled from './confirm-enabled.ts';
import * as deadMansSwitch from './dead-mans-switch.ts';
import * as drainContent from './drain-content.ts';
import * as enableContentStorage from './enable-content-storage.ts';
import * as finishScan from './finish-scan.ts';
import * as giveBackWindow from './give-back-window.ts';
import * as listContent from './list-content.ts';
import * as openApprovals from './open-approvals.ts';
import * as preflight from './preflight.ts';
import * as purgeContent from './purge-content.ts';
import * as putBaseline from './put-baseline.ts';
import * as requestApproval from './request-approval.ts';
import * as reserveWindow from './reserve-window.ts';
import * as reviewTick from './review-tick.ts';
import * as scanAccount from './scan-account.ts';
import * as storageEvent from './storage-event.ts';
import * as sweep from './sweep.ts';
import * as tallyApprovals from './tally-approvals.ts';

export type Handle = (event: unknown, services: Services) => Promise<unknown>;

/** Every function by the name that serverless.yml and the workflows give it. */
export const HANDLERS = {
  api: api.handle,
  armDeadMansSwitch: armDeadMansSwitch.handle,
  beginEnding: beginEnding.handle,
  beginScan: beginScan.handle,
  closeException: closeException.handle,
  configResources: configResources.handle,
  configSettings: configSettings.handle,
  confirmEnabled: confirmEnabled.handle,
  deadMansSwitch: deadMansSwitch.handle,
  drainContent: drainContent.handle,
  enableContentStorage: enableContentStorage.handle,
  finishScan: finishScan.handle,
  giveBackWindow: giveBackWindow.handle,
  listContent: listContent.handle,
  openApprovals: openApprovals.handle,
  preflight: preflight.handle,
  purgeContent: purgeContent.handle,
  putBaseline: putBaseline.handle,
  requestApproval: requestApproval.handle,
  reserveWindow: reserveWindow.handle,
  reviewTick: reviewTick.handle,
  scanAccount: scanAccount.handle,
  storageEvent: storageEvent.handle,
  sweep: sweep.handle,
  tallyApprovals: tallyApprovals.handle,
} as const satisfies Record<string, Handle>;

export type FunctionName = keyof typeof HANDLERS;
