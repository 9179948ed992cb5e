import { createHash } from 'node:crypto';

/** A Lua script and the name under which Redis keeps it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });

/*
 * The keys of one id, always in this order:
 *   lock     "<node> <nonce>" of the holder; expires with the lease
 *   last     a hash, what is remembered of the last holder: its `token`, `holder` (its nonce, absent once it let go),
 *            `asked` (its nonce, once another claim asked it to let go), `run` (which master wrote this, and since when it has been one),
 *            and what the first answer to it said: `previous`, `seized`
 *   waiting  the set of nodes where requests wait
 */

/**
 * Takes the lock, or says for how many milliseconds another claim has it.
 *
 * ARGV: node, nonce, lease, remember, highest number that the caller has seen, milliseconds since the caller's first
 * contact, 'wait' or 'try', what channels begin with.
 * Answers {1, token, token before or '', '1' when seized} or {0, milliseconds}.
 */
export const TAKE = script(`
local node, nonce, lease, remember = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local mine = node .. ' ' .. nonce
local holder = redis.call('GET', KEYS[1])

if holder == mine then
  -- The client sent this twice, because it lost the first answer with a connection.
  local first = redis.call('HMGET', KEYS[2], 'token', 'previous', 'seized')
  return { 1, first[1] or '', first[2] or '', first[3] or '' }
end

if holder then
  if ARGV[7] == 'wait' then
    redis.call('SADD', KEYS[3], node)
    redis.call('PEXPIRE', KEYS[3], 2 * tonumber(lease))
    local holderNode, holderNonce = string.match(holder, '^(%S+) (%S+)$')
    if holderNode then
      -- Should the message be lost, the holder's next renewal answers so.
      if redis.call('HGET', KEYS[2], 'holder') == holderNonce then redis.call('HSET', KEYS[2], 'asked', holderNonce) end
      redis.call('PUBLISH', ARGV[8] .. holderNode, 'release ' .. holderNonce)
    end
  end
  return { 0, redis.call('PTTL', KEYS[1]) }
end

local server = redis.call('INFO', 'server')
local uptime = tonumber(string.match(server, 'uptime_in_seconds:(%d+)') or '0')
-- A server that becomes the master, at its start or later, gets a new replication id: this names one reign of one master. Both are
-- random; longer than 64 bytes together, they would cost the hash its compact form.
local runId = string.match(server, 'run_id:(%w+)')
local replicationId = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
local run = runId and replicationId and string.sub(runId, 1, 16) .. string.sub(replicationId, 1, 16)
local last = redis.call('HMGET', KEYS[2], 'token', 'holder', 'run')
local lastToken = last[1] or ''

-- What was written in another reign may lack its newest entries (a replica behind its master, an old snapshot).
local remembers = run and last[3] == run
local previous = remembers and lastToken or ''

local seized
if last[3] then
  seized = not remembers or last[2] ~= false
else
  -- Nothing is known of this id. That means nothing if the server started after the caller came, or less than a lease ago.
  seized = uptime * 1000 < math.max(tonumber(lease), tonumber(ARGV[6]) - 1000)
end

-- Microseconds, or one more than the highest number known: also after a step of the clock, or a loss of all keys.
local time = redis.call('TIME')
local number = tonumber(time[1]) * 1000000 + tonumber(time[2])
number = math.max(number, tonumber(ARGV[5]) + 1, (tonumber(string.match(lastToken, '^%d+') or '') or 0) + 1)
local token = string.format('%016.0f', number) .. '-' .. nonce

redis.call('SET', KEYS[1], mine, 'PX', lease)
redis.call('HSET', KEYS[2], 'token', token, 'holder', nonce, 'run', run or '', 'previous', previous, 'seized', seized and '1' or '')
redis.call('PEXPIRE', KEYS[2], remember)
return { 1, token, previous, seized and '1' or '' }
`);

/**
 * Lets go, if the caller is still the holder, and sends a message to the nodes where requests wait.
 * ARGV: node, nonce, remember, what channels begin with, id, and how the lock was used: 'done', 'unused' when no holder has
 * worked under it, 'working' when one may still.
 * Answers 1, or 0 when the caller was not the holder.
 */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. ' ' .. ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
local last = redis.call('HMGET', KEYS[2], 'holder', 'seized')
if last[1] == ARGV[2] then
  -- Without this, the next holder seizes the lock. It must, too, if this one had to and did nothing.
  if ARGV[6] == 'done' or (ARGV[6] == 'unused' and last[2] ~= '1') then redis.call('HDEL', KEYS[2], 'holder', 'asked') end
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
for _, node in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  redis.call('PUBLISH', ARGV[4] .. node, 'free ' .. ARGV[5])
end
redis.call('DEL', KEYS[3])
return 1
`);

/**
 * Renews many leases. KEYS: lock and last of each. ARGV: lease, remember, then node and nonce as they stand in each lock.
 * Answers a list of 1 (renewed), 2 (renewed, and its holder was asked to let go) and 0 (lost).
 */
export const RENEW = script(`
local answers = {}
for i = 1, #KEYS, 2 do
  local holder = ARGV[2 + (i + 1) / 2]
  local answer = 0
  if redis.call('GET', KEYS[i]) == holder then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    redis.call('PEXPIRE', KEYS[i + 1], ARGV[2])
    answer = redis.call('HGET', KEYS[i + 1], 'asked') == string.match(holder, '%S+$') and 2 or 1
  end
  answers[#answers + 1] = answer
end
return answers
`);

/** Answers 1 on a node of a cluster, 0 elsewhere. */
export const IS_CLUSTER = script(`
return string.find(redis.call('INFO', 'cluster'), 'cluster_enabled:1', 1, true) and 1 or 0
`);
