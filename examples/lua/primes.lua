-- What a script may look like: it computes, prints, asks its host, catches an error, returns.
local function sieve(limit)
    local composite, primes = {}, {}
    for n = 2, limit do
        if not composite[n] then
            primes[#primes + 1] = n
            for multiple = n * n, limit, n do composite[multiple] = true end
        end
    end
    return primes
end

local primes = sieve(10000)
print(("%d primes, the last is %d"):format(#primes, primes[#primes]))
print(ask("How are you?"))
print(pcall(error, "caught"))
print(io.open("/no/such/file"))
return table.concat(primes, " ", 1, 10) .. string.format(" ... %.3f", math.sqrt(primes[#primes]))
