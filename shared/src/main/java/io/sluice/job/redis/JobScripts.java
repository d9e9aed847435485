package io.sluice.job.redis;

import io.sluice.redis.Script;

/**
 * What has to be atomic about jobs. All keys of a job start with {@code <prefix>job:<id>}:
 *
 * <ul>
 *   <li>(nothing more): hash of the job
 *   <li>{@code :tasks}: hash with, for each step, {@code <step>.s} its text, {@code .n} name,
 *       {@code .w} weight, {@code .p} preferred worker, {@code .a} attempts, {@code .f} fence of
 *       its lease, {@code .o} its worker, {@code .b} bytes done, {@code .d} fence that completed
 *       it. A step is a task's number in seven digits (so that text order is number order), {@code
 *       plan} or {@code commit}.
 *   <li>{@code :results}: hash of step to result
 *   <li>{@code :leases}, {@code :delayed}: sorted sets of steps by the time when the lease expires
 *       or the pause ends, in ms
 *   <li>{@code :queue} and {@code :queue:<worker>}: sorted sets of the steps that are free, without
 *       and with a preferred worker, by minus their weight: the first is the heaviest, and the
 *       first from {@code -free} on is the heaviest that fits
 *   <li>{@code :owners}: set of the workers that have a queue
 *   <li>{@code :plan:<round>}: what the plan of the round shares; {@code :events}: stream
 * </ul>
 *
 * <p>Every step that is not done is in exactly one of leases, delayed and the queues. Besides:
 * {@code jobs} and {@code jobs:active} (sorted sets of ids by creation), {@code idem:<hash>}, and
 * the channel {@code signals}. All keys share one hash tag, so that a script may touch several.
 */
final class JobScripts {
  private JobScripts() {}

  /**
   * What scripts share. Its arguments: prefix, job, most attempts, retention, retention of details,
   * age limit, all in ms, most events; those of the script follow.
   */
  private static final String LIB =
      """
      local P, id = ARGV[1], ARGV[2]
      local MAX = tonumber(ARGV[3])
      local RETENTION, DETAIL, ACTIVE, CAP = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
      local function arg(i) return ARGV[7 + i] end

      local J = P .. 'job:' .. id
      local T, R, L, D = J .. ':tasks', J .. ':results', J .. ':leases', J .. ':delayed'
      local Q, O, E = J .. ':queue', J .. ':owners', J .. ':events'
      local clock = redis.call('TIME')
      local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

      local function int(x) return string.format('%.0f', x) end
      local function queue(worker)
        if worker and worker ~= '' then return Q .. ':' .. worker end
        return Q
      end
      local function round() return redis.call('HGET', J, 'round') or '0' end
      local function plan(n) return J .. ':plan:' .. n end
      local function state() return redis.call('HGET', J, 'state') end
      local function over(s) return s == 'succeeded' or s == 'failed' or s == 'cancelled' end
      local function task(step, field) return redis.call('HGET', T, step .. '.' .. field) end
      local function alive(worker) return redis.call('EXISTS', P .. 'worker:' .. worker) == 1 end

      -- kind of signal: w for those who look for work, e for those who read events only
      local function signal(kind)
        redis.call('PUBLISH', P .. 'signals', id .. ' ' .. kind .. ' ' .. (state() or ''))
      end
      local function event(kind, ...)
        redis.call('XADD', E, 'MAXLEN', '~', CAP, '*', ...)
        signal(kind)
      end
      local function progress_fields()
        local p = redis.call('HMGET', J, 'tasks_done', 'tasks_total', 'bytes_done', 'bytes_total')
        return 'tasksDone', p[1], 'tasksTotal', p[2], 'bytesDone', p[3], 'bytesTotal', p[4]
      end

      local function expire(details, ms)
        for _, k in ipairs({T, R, L, D, Q, O, plan(round())}) do redis.call('PEXPIRE', k, details) end
        for _, w in ipairs(redis.call('SMEMBERS', O)) do
          redis.call('PEXPIRE', queue(w), details)
        end
        redis.call('PEXPIRE', J, ms)
        redis.call('PEXPIRE', E, ms)
      end
      local function keep()
        redis.call('HSET', J, 'kept', now)
        expire(ACTIVE, ACTIVE)
      end

      local function enter(s, ...)
        redis.call('HSET', J, 'state', s, 'updated', now, ...)
      end
      local function finish(s)
        enter(s)
        for _, w in ipairs(redis.call('SMEMBERS', O)) do redis.call('DEL', queue(w)) end
        redis.call('DEL', L, D, Q, O)
        redis.call('ZREM', P .. 'jobs:active', id)
        local idem = redis.call('HGET', J, 'idem')
        if idem and idem ~= '' and redis.call('GET', P .. 'idem:' .. idem) == id then
          redis.call('DEL', P .. 'idem:' .. idem)
        end
        expire(DETAIL, RETENTION)
      end
      local function fail_job(kind, code, message)
        redis.call('HSET', J, 'error_kind', kind, 'error_code', code, 'error_message', message)
        finish('failed')
        event('w', 'type', 'state', 'state', 'failed',
          'kind', kind, 'code', code, 'message', message)
      end

      local function enqueue(step)
        redis.call('ZADD', queue(task(step, 'p')), '-' .. (task(step, 'w') or '0'), step)
      end
      local function to_commit()
        enter('committing')
        enqueue('commit')
        event('w', 'type', 'state', 'state', 'committing')
      end
      local function holds(step, fence)
        return redis.call('ZSCORE', L, step) and task(step, 'f') == fence
      end
      local function drop(step)
        redis.call('ZREM', L, step)
        redis.call('HDEL', T, step .. '.f')
      end
      local function set_bytes(step, bytes)
        local old = tonumber(task(step, 'b') or '0')
        if bytes ~= old then
          redis.call('HSET', T, step .. '.b', int(bytes))
          redis.call('HINCRBY', J, 'bytes_done', int(bytes - old))
        end
      end
      local function label(step)
        local name = task(step, 'n')
        if name then return 'task ' .. int(tonumber(step)) .. " ('" .. name .. "')" end
        return 'the ' .. step
      end
      -- the attempt at a step has failed; false if the job has failed with it
      local function again(step, kind, code, message, pause)
        drop(step)
        set_bytes(step, 0)
        local attempts = tonumber(task(step, 'a') or '0')
        if attempts >= MAX then
          fail_job(kind, 'task-attempts-exhausted',
            label(step) .. ' of job ' .. id .. ' failed ' .. int(attempts) ..
            ' times, at last with ' .. code .. ': ' .. message)
          return false
        end
        if pause > 0 then
          redis.call('ZADD', D, now + pause, step)
        else
          enqueue(step)
        end
        event('w', 'type', 'retry', 'step', step, 'name', task(step, 'n') or step,
          'worker', task(step, 'o') or '', 'attempt', int(attempts),
          'code', code, 'message', message)
        return true
      end
      """;

  /** idem, kind, request: id of the job, 1 if it is new, -1 if the request is another one. */
  static final Script CREATE =
      Script.of(
          "create",
          LIB,
          """
          local idem = arg(1)
          if idem ~= '' then
            local other = redis.call('GET', P .. 'idem:' .. idem)
            local s = other and redis.call('HGET', P .. 'job:' .. other, 'state')
            if s and not over(s) then
              local same = redis.call('HGET', P .. 'job:' .. other, 'request') == arg(3)
              return {other, same and 0 or -1}
            end
            redis.call('SET', P .. 'idem:' .. idem, id, 'PX', ACTIVE)
          end
          redis.call('HSET', J, 'kind', arg(2), 'request', arg(3), 'idem', idem,
            'state', 'planning', 'created', now, 'updated', now, 'bounded', '0', 'fence', '0',
            'tasks_total', '0', 'tasks_done', '0', 'bytes_total', '0', 'bytes_done', '0')
          redis.call('ZADD', P .. 'jobs', now, id)
          redis.call('ZADD', P .. 'jobs:active', now, id)
          redis.call('ZREMRANGEBYSCORE', P .. 'jobs', '-inf',
            now - tonumber(RETENTION) - tonumber(ACTIVE))
          enqueue('plan')
          event('w', 'type', 'state', 'state', 'planning')
          keep()
          return {id, 1}
          """);

  /** worker, free bytes, ttl, no-room grace. */
  static final Script CLAIM =
      Script.of(
          "claim",
          LIB,
          """
          local worker, free, ttl, grace = arg(1), arg(2), tonumber(arg(3)), tonumber(arg(4))
          local s = state()
          if not s then return {'missing'} end
          if over(s) then return {'finished', s} end

          for _, step in ipairs(redis.call('ZRANGEBYSCORE', L, '-inf', now, 'LIMIT', 0, 1000)) do
            local message = "the lease of worker '" .. (task(step, 'o') or '') .. "' expired"
            if not again(step, 'FATAL', 'lease-expired', message, 0) then
              return {'finished', 'failed'}
            end
          end
          for _, step in ipairs(redis.call('ZRANGEBYSCORE', D, '-inf', now, 'LIMIT', 0, 1000)) do
            redis.call('ZREM', D, step)
            enqueue(step)
          end
          if now - tonumber(redis.call('HGET', J, 'kept') or '0') > tonumber(ACTIVE) / 8 then
            keep()
          end

          local bounded = redis.call('HGET', J, 'bounded')
          local from = bounded == '1' and '-' .. free or '-inf'
          local function take(q, least)
            local step = redis.call('ZRANGEBYSCORE', q, least, '+inf', 'LIMIT', 0, 1)[1]
            if step then redis.call('ZREM', q, step) end
            return step
          end
          local owners = redis.call('SMEMBERS', O)
          local step = take(queue(worker), '-inf') or take(Q, from)
          if not step then
            for _, w in ipairs(owners) do
              if w ~= worker and not alive(w) then
                step = take(queue(w), from)
                if step then break end
              end
            end
          end
          if step then
            local fence = redis.call('HINCRBY', J, 'fence', 1)
            local attempt = redis.call('HINCRBY', T, step .. '.a', 1)
            redis.call('HSET', T, step .. '.f', int(fence), step .. '.o', worker)
            redis.call('ZADD', L, now + ttl, step)
            redis.call('HDEL', J, 'stuck')
            if step == 'plan' or step == 'commit' then redis.call('PEXPIRE', T, ACTIVE) end
            redis.call('PEXPIRE', L, ACTIVE)
            return {'lease', step, fence, attempt, task(step, 's') or '', bounded, round()}
          end

          local wait = 5000
          for _, q in ipairs({L, D}) do
            local first = redis.call('ZRANGE', q, 0, 0, 'WITHSCORES')
            if first[2] then wait = math.min(wait, tonumber(first[2]) - now) end
          end
          -- no step is under way or paused, and no owner that lives has one waiting: what is left
          -- is too heavy for this worker
          if redis.call('EXISTS', L, D) == 0 then
            local least = nil
            for _, w in ipairs(owners) do
              if alive(w) and redis.call('EXISTS', queue(w)) == 1 then
                return {'wait', wait}
              end
              local lightest = redis.call('ZREVRANGE', queue(w), 0, 0, 'WITHSCORES')[2]
              if lightest then least = math.min(least or math.huge, -tonumber(lightest)) end
            end
            local lightest = redis.call('ZREVRANGE', Q, 0, 0, 'WITHSCORES')[2]
            if lightest then least = math.min(least or math.huge, -tonumber(lightest)) end
            local since = tonumber(redis.call('HGET', J, 'stuck') or '0')
            if since == 0 then
              redis.call('HSET', J, 'stuck', now)
            elseif now - since >= grace then
              fail_job('CAPACITY', 'job-no-room',
                'the lightest waiting task of job ' .. id .. ' needs ' .. int(least or 0) ..
                " bytes, worker '" .. worker .. "' has " .. free .. ' free, and nobody with more' ..
                ' room has come for ' .. int(now - since) .. ' ms')
              return {'finished', 'failed'}
            end
          end
          return {'wait', math.max(1, wait)}
          """);

  /**
   * Lays out a plan, of which arguments tell from number {@code first} on: bounded, shared, then
   * for each task text, name, weight, preferred worker. The number of tasks.
   */
  private static final String LAY_OUT =
      """
      local function lay_out(first)
        redis.call('SET', plan(round()), arg(first + 1))
        local total, n, i = 0, 0, first + 2
        while arg(i) do
          local step = string.format('%07d', n)
          redis.call('HSET', T, step .. '.s', arg(i), step .. '.n', arg(i + 1),
            step .. '.w', arg(i + 2), step .. '.p', arg(i + 3))
          redis.call('ZADD', queue(arg(i + 3)), '-' .. arg(i + 2), step)
          if arg(i + 3) ~= '' then redis.call('SADD', O, arg(i + 3)) end
          total, n, i = total + tonumber(arg(i + 2)), n + 1, i + 4
        end
        enter('running', 'bounded', arg(first), 'tasks_total', n, 'tasks_done', '0',
          'bytes_total', int(total), 'bytes_done', '0')
        return n
      end
      """;

  /** fence, then a plan. */
  static final Script PLANNED =
      Script.of(
          "planned",
          LIB,
          LAY_OUT,
          """
          if state() ~= 'planning' or not holds('plan', arg(1)) then return 0 end
          drop('plan')
          local n = lay_out(2)
          event('w', 'type', 'state', 'state', 'running')
          if n == 0 then to_commit() end
          keep()
          return 1
          """);

  /** step, fence, ttl. */
  static final Script RENEW =
      Script.of(
          "renew",
          LIB,
          """
          if not holds(arg(1), arg(2)) then return 0 end
          redis.call('ZADD', L, now + tonumber(arg(3)), arg(1))
          return 1
          """);

  /** step, fence, bytes, least ms between two events. */
  static final Script PROGRESS =
      Script.of(
          "progress",
          LIB,
          """
          local step = arg(1)
          if not holds(step, arg(2)) then return 0 end
          set_bytes(step, math.min(tonumber(arg(3)), tonumber(task(step, 'w'))))
          local last = tonumber(redis.call('HGET', J, 'progressed') or '0')
          if now - last >= tonumber(arg(4)) then
            redis.call('HSET', J, 'progressed', now, 'updated', now)
            event('e', 'type', 'progress', progress_fields())
          end
          return 1
          """);

  /** step, fence, result. */
  static final Script COMPLETE =
      Script.of(
          "complete",
          LIB,
          """
          local step, fence = arg(1), arg(2)
          if task(step, 'd') == fence then return 1 end
          if not holds(step, fence) then return 0 end
          drop(step)
          redis.call('HSET', R, step, arg(3))
          redis.call('HSET', T, step .. '.d', fence)
          set_bytes(step, tonumber(task(step, 'w')))
          local done = redis.call('HINCRBY', J, 'tasks_done', 1)
          redis.call('HSET', J, 'updated', now)
          event('e', 'type', 'task', 'task', int(tonumber(step)), 'name', task(step, 'n'),
            'worker', task(step, 'o'), 'attempt', task(step, 'a'), progress_fields())
          if done == 1 then redis.call('PEXPIRE', R, ACTIVE) end
          if done == tonumber(redis.call('HGET', J, 'tasks_total')) then to_commit() end
          return 1
          """);

  /** step, fence, kind, code, message, retryable, pause in ms. */
  static final Script FAIL =
      Script.of(
          "fail",
          LIB,
          """
          if not holds(arg(1), arg(2)) then return 0 end
          if arg(6) == '1' then
            again(arg(1), arg(3), arg(4), arg(5), tonumber(arg(7)))
            redis.call('PEXPIRE', D, ACTIVE)
          else
            fail_job(arg(3), arg(4), arg(5))
          end
          return 1
          """);

  /** step, fence. */
  static final Script RELEASE =
      Script.of(
          "release",
          LIB,
          """
          local step = arg(1)
          if not holds(step, arg(2)) then return 0 end
          drop(step)
          set_bytes(step, 0)
          redis.call('HINCRBY', T, step .. '.a', -1)
          enqueue(step)
          signal('w')
          return 1
          """);

  /** fence, result, note about the last round or nothing. */
  static final Script COMMIT =
      Script.of(
          "commit",
          LIB,
          """
          if state() == 'succeeded' and task('commit', 'd') == arg(1) then return 1 end
          if state() ~= 'committing' or not holds('commit', arg(1)) then return 0 end
          redis.call('HSET', J, 'result', arg(2))
          redis.call('HSET', T, 'commit.d', arg(1))
          finish('succeeded')
          if arg(3) ~= '' then
            event('e', 'type', 'round', 'round', round(), 'tasksTotal', '0', 'note', arg(3))
          end
          event('w', 'type', 'state', 'state', 'succeeded')
          return 1
          """);

  /** fence, then for each task: step, preferred worker. -1 if one of them is not done. */
  static final Script REOPEN =
      Script.of(
          "reopen",
          LIB,
          """
          if state() ~= 'committing' or not holds('commit', arg(1)) then return 0 end
          local i = 2
          while arg(i) do
            if redis.call('HEXISTS', R, arg(i)) == 0 then return -1 end
            i = i + 2
          end
          drop('commit')
          redis.call('HDEL', T, 'commit.a')
          enter('running')
          event('w', 'type', 'state', 'state', 'running')
          i = 2
          while arg(i) do
            local step, worker = arg(i), arg(i + 1)
            local message = "what worker '" .. (task(step, 'o') or '') .. "' had done is gone"
            redis.call('HDEL', R, step)
            redis.call('HDEL', T, step .. '.d')
            redis.call('HINCRBY', J, 'tasks_done', -1)
            redis.call('HSET', T, step .. '.p', worker)
            if worker ~= '' then redis.call('SADD', O, worker) end
            if not again(step, 'TRANSIENT', 'task-reopened', message, 0) then return 1 end
            i = i + 2
          end
          keep()
          return 1
          """);

  /**
   * fence, note, then a plan. Fences are never used twice: a late one of another round holds
   * nothing.
   */
  static final Script NEXT =
      Script.of(
          "next",
          LIB,
          LAY_OUT,
          """
          if redis.call('HGET', J, 'round_fence') == arg(1) then return 1 end
          if state() ~= 'committing' or not holds('commit', arg(1)) then return 0 end
          redis.call('DEL', T, R, L, plan(round()))
          local over = tonumber(round())
          redis.call('HSET', J, 'round', int(over + 1), 'round_fence', arg(1))
          local n = lay_out(3)
          event('w', 'type', 'round', 'round', int(over), 'tasksTotal', n, 'note', arg(2))
          keep()
          return 1
          """);

  /** No argument: 1 if it was cancelled, 0 if it was over, -1 if there is no such job. */
  static final Script CANCEL =
      Script.of(
          "cancel",
          LIB,
          """
          local s = state()
          if not s then return -1 end
          if over(s) then return 0 end
          finish('cancelled')
          event('w', 'type', 'state', 'state', 'cancelled')
          return 1
          """);

  /** worker, limit, kinds: ids. The id of LIB is not used. */
  static final Script ABANDONED =
      Script.of(
          "abandoned",
          LIB,
          """
          local kinds = {}
          local i = 3
          while arg(i) do
            kinds[arg(i)] = true
            i = i + 1
          end
          local found = {}
          for _, job in ipairs(redis.call('ZRANGE', P .. 'jobs:active', 0, -1)) do
            local k = P .. 'job:' .. job
            local kind = redis.call('HGET', k, 'kind')
            if not kind then
              redis.call('ZREM', P .. 'jobs:active', job)
            elseif kinds[kind] and
                (redis.call('ZCOUNT', k .. ':leases', '(' .. int(now), '+inf') == 0 or
                 redis.call('EXISTS', k .. ':queue:' .. arg(1)) == 1) then
              found[#found + 1] = job
              if #found >= tonumber(arg(2)) then break end
            end
          end
          return found
          """);
}
