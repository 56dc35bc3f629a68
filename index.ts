export { CleanlistApi } from './credentials/CleanlistApi.credentials';
export { CleanlistRelayApi } from './credentials/CleanlistRelayApi.credentials';
export { Cleanlist } from './nodes/Cleanlist/Cleanlist.node';
export { CleanlistTrigger } from './nodes/CleanlistTrigger/CleanlistTrigger.node';
